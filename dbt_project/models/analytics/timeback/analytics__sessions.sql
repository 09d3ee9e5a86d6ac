{{ scoped_by_person(ref('marts__sessions'), 'student_id') }}
