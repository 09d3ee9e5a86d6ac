{{ scoped_to_orgs(ref('marts__rater_agreement')) }}
