{{ scoped_by_person(ref('marts__students_xp'), 'student_id') }}
