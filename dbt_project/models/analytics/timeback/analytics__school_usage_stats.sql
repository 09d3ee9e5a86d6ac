{{ open_to_readers(ref('marts__school_usage_stats')) }}
