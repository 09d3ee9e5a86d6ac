{{ scoped_by_person(ref('marts__students'), 'id') }}
