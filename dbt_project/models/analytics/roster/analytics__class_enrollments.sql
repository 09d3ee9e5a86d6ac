{{ scoped_by_person(ref('marts__class_enrollments'), 'student_id', by_person=true) }}
