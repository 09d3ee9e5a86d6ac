{{ open_to_readers(ref('marts__learning_apps')) }}
