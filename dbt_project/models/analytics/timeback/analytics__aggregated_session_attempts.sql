{{ scoped_by_person(ref('marts__aggregated_session_attempts'), 'student_id') }}
