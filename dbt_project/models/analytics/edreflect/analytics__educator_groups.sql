{{ scoped_to_orgs(ref('marts__educator_groups')) }}
