"""A plain Python model of the TimeBack feed and of all 41 views: the oracle the database is compared with.

Written from the contract's prose, for obviousness instead of speed; it shares no code with what it judges:

    tables      the feed's files, their keys and columns, written down a second time by hand
    records     delivered bytes -> typed records, with those that cannot be taken set aside
    log         deliveries in load order -> the rows of each org, now or as of a day
    tenants     the rows of a tenant's orgs -> one row per key, beside the tenant's rosters
    numbers     seconds between moments, intervals merged, and rounding
    attempts    what is worked out of attempts, their events and scores, and sessions
    insights    which insights count, what time they take, and journals
    curriculum  the open views: resources, frameworks, applications, schools' totals
    people      the other views about a person: points, mastery, placements, recommendations
    views       all views by name, those of the rosters among them, for any scope
    examples    deliveries written by hand in a test
    platform    the same deliveries through the real thing: landed, loaded, built and read back
"""
