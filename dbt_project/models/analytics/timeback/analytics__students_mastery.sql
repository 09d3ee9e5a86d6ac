{{ scoped_by_person(ref('marts__students_mastery'), 'student_id') }}
