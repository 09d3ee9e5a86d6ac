{{ scoped_by_person(ref('marts__recommendations'), 'student_id') }}
