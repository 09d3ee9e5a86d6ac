{{ open_to_readers(ref('marts__learning_app_subjects')) }}
