{{ scoped_by_person(ref('marts__student_journals'), 'student_id') }}
