{{ scoped_to_orgs(ref('marts__feedback_turnaround')) }}
