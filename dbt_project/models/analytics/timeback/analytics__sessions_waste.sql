{{ scoped_by_person(ref('marts__sessions_waste'), 'session_user_id') }}
