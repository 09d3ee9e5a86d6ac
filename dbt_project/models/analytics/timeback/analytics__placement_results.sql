{{ scoped_by_person(ref('marts__placement_results'), 'student_id') }}
