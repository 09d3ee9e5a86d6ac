{{ scoped_to_orgs(ref('marts__rubric_tree')) }}
