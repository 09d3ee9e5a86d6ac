-- What is noticed in a session follows from all that was watched of it, from the kinds of insights and from reviews.
{{ touched_insight_sessions('marts__session_insights', with_reviews=true) }}
