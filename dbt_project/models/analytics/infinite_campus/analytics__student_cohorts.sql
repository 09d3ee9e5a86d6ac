{{ scoped_to_orgs(ref('marts__student_cohorts')) }}
