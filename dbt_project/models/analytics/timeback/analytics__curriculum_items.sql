{{ open_to_readers(ref('marts__curriculum_items')) }}
