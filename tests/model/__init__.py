"""A plain Python model of what the EdReflect log means: the oracle the database is compared with.

Written from the contract's prose, for obviousness instead of speed, and sharing nothing with the code it judges but
the lists of columns and types:

    rules      which rule each file follows, written down a second time by hand
    records    delivered bytes -> records, typed, with what could not be read set aside
    log        deliveries in load order -> the current bytes of each (org, day, file)
    state      the current bytes -> the rows of every reconciled table, now or as of a day
    database   the same deliveries through the real thing: landed, loaded, built and read back
"""
