"""A plain Python model of what a log of OneRoster packages means: the oracle the database is compared with.

Written from the contract's prose, for obviousness instead of speed; it shares no code with what it judges:

    entities   the files' columns and the tables they become, written down a second time by hand
    records    delivered lines -> typed records, with those that break a rule set aside
    sheets     files written by hand in a test, and files as bytes
    log        deliveries in load order and approvals -> the packages of each org
    fold       one file of one package applied to what was known before
    people     the roles and agents that follow from users.csv and roles.csv
    roster     packages in day order -> what is known after each of them, held packages left out
    tenants    the rosters of a tenant's orgs -> one row per id
    views      the ten roster views, for any scope
    platform   the same deliveries through the real thing: landed, loaded, built and read back
"""
