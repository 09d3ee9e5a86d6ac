{{ scoped_to_orgs(ref('marts__feedback_turnaround_by_observer')) }}
