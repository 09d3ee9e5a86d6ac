{{ reconcile(ref('stg_timeback__lti_application')) }}
