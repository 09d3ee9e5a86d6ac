{{ open_to_readers(ref('marts__unit_courses')) }}
