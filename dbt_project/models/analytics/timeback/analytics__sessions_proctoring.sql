{{ scoped_by_person(ref('marts__sessions_proctoring'), 'session_user_id') }}
