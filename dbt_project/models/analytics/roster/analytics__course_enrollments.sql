{{ scoped_by_person(ref('marts__course_enrollments'), 'student_id', by_person=true) }}
