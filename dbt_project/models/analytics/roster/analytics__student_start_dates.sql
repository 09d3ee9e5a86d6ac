{{ scoped_by_person(ref('marts__student_start_dates'), 'student_id') }}
