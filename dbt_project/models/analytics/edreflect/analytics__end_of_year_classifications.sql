{{ scoped_to_orgs(ref('marts__end_of_year_classifications')) }}
