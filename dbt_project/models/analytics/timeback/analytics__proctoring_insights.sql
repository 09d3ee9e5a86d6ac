{{ scoped_by_person(ref('marts__proctoring_insights'), 'session_user_id') }}
