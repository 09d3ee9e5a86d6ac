{{ scoped_by_person(ref('marts__cheating_insights'), 'session_user_id') }}
