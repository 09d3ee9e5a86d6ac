{{ open_to_readers(ref('marts__case_courses')) }}
