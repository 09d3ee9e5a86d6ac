{{ scoped_by_person(ref('marts__student_schools'), 'student_id', by_person=true) }}
