"""Queries that the demo runs as an analyst would: each with what it shows in the scope of one school."""

from __future__ import annotations

from contextlib import closing

import psycopg2

STUDENTS_QUERY = """select student.name as student, guide.guide_name as guide, enrollment.class_title as class
from analytics.students as student
join analytics.student_guides as guide on guide.student_id = student.id and guide.status = 'active'
join analytics.class_enrollments as enrollment
    on enrollment.student_id = student.id and enrollment.class_title like 'Homeroom%' and enrollment.end_date is null
order by student.name limit 4;"""

LEARNING_QUERY = """select student.name as student, count(*) as sessions, round(sum(session.duration_sec) / 60) as minutes,
    sum(answers.total_questions_answered) as answered, sum(answers.total_questions_correct) as correct,
    sum(waste.waste_duration_sec) as seconds_wasted
from analytics.sessions as session
join analytics.students as student on student.id = session.student_id
left join analytics.aggregated_session_attempts as answers
    on answers.session_id = session.id and answers.student_id = session.student_id
left join analytics.sessions_waste as waste on waste.session_id = session.id
group by student.id, student.name order by count(*) desc, student.name limit 4;"""


def shown(analyst_url: str, scope: str, query: str) -> tuple[list[str], list[list[str | None]]]:
    """Return the columns and rows of a query as an analyst sees them under a scope."""
    with closing(psycopg2.connect(analyst_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("set local app.allowed_org_ids = %s", (scope,))
        cursor.execute(query)
        rows = [[None if value is None else str(value) for value in row] for row in cursor.fetchall()]
        return [column.name for column in cursor.description or ()], rows
