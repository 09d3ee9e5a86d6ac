{{ scoped_by_person(ref('marts__waste_insights'), 'session_user_id') }}
