{{ scoped_by_person(ref('marts__student_guides'), 'student_id', by_person=true) }}
