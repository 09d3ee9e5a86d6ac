{{ touched_insight_sessions('marts__student_journals', with_reviews=false) }}
