{{ scoped_by_person(ref('marts__students_enrollments'), 'student_id', by_person=true) }}
