{{ open_to_readers(ref('marts__resource_relations')) }}
