{{ scoped_by_person(ref('marts__sessions_cheating'), 'session_user_id') }}
