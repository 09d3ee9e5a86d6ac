{{ scoped_by_person(ref('marts__attempts'), 'student_id') }}
