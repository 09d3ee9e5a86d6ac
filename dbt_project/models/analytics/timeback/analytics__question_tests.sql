{{ open_to_readers(ref('marts__question_tests')) }}
