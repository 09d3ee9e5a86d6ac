{{ scoped_to_orgs(ref('marts__observer_ratings')) }}
