"""The queries of an export: what of an org's roster on a day goes into which file of version 1.1.

Each file's records stand in a temporary table ``pg_temp.export_<table>``, whose columns are the file's headers; the
tables are made in this order, as later files refer to earlier ones. A query takes the parameters org and day.
"""

from __future__ import annotations

from dataclasses import dataclass

# Version 1.1 has no other roles for them.
ROLES_IN_1_1 = {
    "principal": "administrator",
    "districtAdministrator": "administrator",
    "siteAdministrator": "administrator",
    "systemAdministrator": "administrator",
    "counselor": "aide",
}


@dataclass(frozen=True)
class ExportQuery:
    """How a file comes about.

    ``records`` makes its records. ``known`` is the table of the state it is made from; of that, ``why_left_out`` says
    which active rows have none. ``emptied`` counts the optional references of the records that lead nowhere, None where
    there are none.
    """

    file: str
    known: str
    records: str
    why_left_out: str = ""
    emptied: str | None = None

    @property
    def table(self) -> str:
        """The temporary table of the records."""
        return f"pg_temp.export_{self.known}"

    @property
    def count_known(self) -> str:
        """A query of how many active rows the state has."""
        return f"select count(*) from {_state(self.known)}"


def _state(table: str) -> str:
    """Return the rows of one org that are in its roster on the day."""
    return (
        f"(select * from oneroster.one_roster_{table}_as_of(%(day)s) where org_id = %(org)s and status <> 'tobedeleted')"
        " as state"
    )


def _text(column: str) -> str:
    """Return a text with its line ends as spaces, since readers of rosters stumble over them."""
    return rf"regexp_replace(state.{column}, '\r\n|\r|\n', ' ', 'g')"


def _list(column: str) -> str:
    return rf"regexp_replace(array_to_string(state.{column}, ','), '\r\n|\r|\n', ' ', 'g')"


SESSIONS = ExportQuery(
    file="academicSessions.csv",
    known="academic_session",
    records=f"""
        select state.id, state.sourced_id as "sourcedId", {_text("title")} as title, state.type,
            state.start_date as "startDate", state.end_date as "endDate", parent.sourced_id as "parentSourcedId",
            lpad(state.school_year::text, 4, '0') as "schoolYear"
        from {_state("academic_session")}
        left join {_state("academic_session").removesuffix("state")} parent on parent.id = state.parent_id
    """,
    emptied=f"""
        select count(*) from pg_temp.export_academic_session as record
        join {_state("academic_session")} on state.id = record.id
        where state.parent_id is not null and record."parentSourcedId" is null
    """,
)

ORGANIZATIONS = ExportQuery(
    file="orgs.csv",
    known="organization",
    records=f"""
        select state.id, state.sourced_id as "sourcedId", {_text("name")} as name, state.type,
            {_text("identifier")} as identifier, parent.sourced_id as "parentSourcedId"
        from {_state("organization")}
        left join {_state("organization").removesuffix("state")} parent on parent.id = state.parent_id
    """,
    emptied=f"""
        select count(*) from pg_temp.export_organization as record
        join {_state("organization")} on state.id = record.id
        where state.parent_id is not null and record."parentSourcedId" is null
    """,
)

COURSES = ExportQuery(
    file="courses.csv",
    known="course",
    records=f"""
        select state.id, state.sourced_id as "sourcedId", school_year."sourcedId" as "schoolYearSourcedId",
            {_text("title")} as title, {_text("course_code")} as "courseCode", {_list("grades")} as grades,
            org."sourcedId" as "orgSourcedId", {_list("subjects")} as subjects, {_list("subject_codes")} as "subjectCodes"
        from {_state("course")}
        join pg_temp.export_organization as org on org.id = state.organization_id
        left join pg_temp.export_academic_session as school_year
            on school_year.id = state.school_year_id and school_year.type = 'schoolYear'
    """,
    why_left_out="organization not in the roster",
    emptied=f"""
        select count(*) from pg_temp.export_course as record
        join {_state("course")} on state.id = record.id
        where state.school_year_id is not null and record."schoolYearSourcedId" is null
    """,
)

CLASSES = ExportQuery(
    file="classes.csv",
    known="class",
    records=f"""
        select state.id, state.sourced_id as "sourcedId", {_text("title")} as title, {_list("grades")} as grades,
            course."sourcedId" as "courseSourcedId", {_text("class_code")} as "classCode",
            state.class_type as "classType", {_text("location")} as location, school."sourcedId" as "schoolSourcedId",
            terms.listed as "termSourcedIds", terms.number as terms, {_list("subjects")} as subjects,
            {_list("subject_codes")} as "subjectCodes", {_list("periods")} as periods
        from {_state("class")}
        join pg_temp.export_course as course on course.id = state.course_id
        join pg_temp.export_organization as school on school.id = state.school_id
        cross join lateral (
            select string_agg(term."sourcedId", ',' order by item.place) as listed, count(*) as number
            from unnest(state.term_ids) with ordinality as item (id, place)
            join pg_temp.export_academic_session as term on term.id = item.id
        ) as terms
        where terms.number > 0
    """,
    why_left_out="course, school or terms not in the roster",
    emptied=f"""
        select coalesce(sum(cardinality(state.term_ids) - record.terms), 0)
        from pg_temp.export_class as record
        join {_state("class")} on state.id = record.id
    """,
)

_NAMED_ROLE = "case role.role " + " ".join(f"when '{old}' then '{new}'" for old, new in ROLES_IN_1_1.items())

# A person's one role in version 1.1: the primary one, else the one that began last; and the organizations of that role.
PEOPLE = f"""
    with open_roles as (
        select role.user_id, {_NAMED_ROLE} else role.role end as role, role.role_type, role.begin_date,
            org."sourcedId" as org_sourced_id
        from oneroster.one_roster_role_as_of(%(day)s) as role
        join pg_temp.export_organization as org on org.id = role.organization_id
        where role.org_id = %(org)s and role.status <> 'tobedeleted'
            and (role.begin_date is null or role.begin_date <= %(day)s)
            and (role.end_date is null or role.end_date > %(day)s)
    ),
    ranked as (
        select user_id, role, org_sourced_id, row_number() over (
            partition by user_id
            order by role_type = 'primary' desc, begin_date desc nulls last, org_sourced_id collate "C", role
        ) as place
        from open_roles
    ),
    chosen as (
        select ranked.user_id, ranked.role, ranked.org_sourced_id, min(ranked.place) as place
        from ranked
        join ranked as main on main.user_id = ranked.user_id and main.place = 1 and main.role = ranked.role
        group by ranked.user_id, ranked.role, ranked.org_sourced_id
    )
    select state.id, state.sourced_id as "sourcedId", chosen.role,
        string_agg(chosen.org_sourced_id, ',' order by chosen.place) as "orgSourcedIds"
    from {_state("user")}
    join chosen on chosen.user_id = state.id
    group by state.id, state.sourced_id, chosen.role
"""

_AGENTS = """
    from oneroster.one_roster_user_agent_as_of(%(day)s) as named
    {join} pg_temp.export_people as agent on agent.id = named.agent_user_id
    where named.org_id = %(org)s and named.status = 'active'
        and (named.end_date is null or named.end_date > %(day)s)
"""

USERS = ExportQuery(
    file="users.csv",
    known="user",
    records=f"""
        with agents as (
            select named.source_user_id, string_agg(distinct agent."sourcedId", ',') as listed
            {_AGENTS.format(join="join")}
            group by named.source_user_id
        )
        select state.id, state.sourced_id as "sourcedId", state.enabled_user::text as "enabledUser", person."orgSourcedIds",
            person.role, {_text("username")} as username, {_text("user_ids")} as "userIds",
            {_text("given_name")} as "givenName", {_text("family_name")} as "familyName",
            {_text("middle_name")} as "middleName", {_text("identifier")} as identifier, {_text("email")} as email,
            {_text("sms")} as sms, {_text("phone")} as phone, agents.listed as "agentSourcedIds",
            {_list("grades")} as grades
        from {_state("user")}
        join pg_temp.export_people as person on person.id = state.id
        left join agents on agents.source_user_id = state.id
    """,
    why_left_out="no role on that day at an organization of the roster, as version 1.1 demands",
    emptied=f"""
        select count(distinct (named.source_user_id, named.agent_user_id))
        {_AGENTS.format(join="left join")}
            and agent.id is null
            and exists (select from pg_temp.export_people as person where person.id = named.source_user_id)
    """,
)

ENROLLMENTS = ExportQuery(
    file="enrollments.csv",
    known="enrollment",
    records=f"""
        select state.sourced_id as "sourcedId", class."sourcedId" as "classSourcedId",
            school."sourcedId" as "schoolSourcedId", person."sourcedId" as "userSourcedId", state.role, state."primary"::text as "primary",
            state.begin_date as "beginDate", state.end_date as "endDate"
        from {_state("enrollment")}
        join pg_temp.export_class as class on class.id = state.class_id
        join pg_temp.export_organization as school on school.id = state.school_id
        join pg_temp.export_people as person on person.id = state.user_id
    """,
    why_left_out="class, school or person not in what is exported",
)

QUERIES = (SESSIONS, ORGANIZATIONS, COURSES, CLASSES, USERS, ENROLLMENTS)
