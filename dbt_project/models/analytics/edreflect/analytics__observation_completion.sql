{{ scoped_to_orgs(ref('marts__observation_completion')) }}
