{{ open_to_readers(ref('marts__test_parents')) }}
