{{ open_to_readers(ref('marts__lessons')) }}
