{{ scoped_by_person(ref('marts__guides'), 'id') }}
