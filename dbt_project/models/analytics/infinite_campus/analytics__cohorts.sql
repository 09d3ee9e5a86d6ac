{{ scoped_to_orgs(ref('marts__cohorts')) }}
