"""The educator picture as the contracts say it, in plain Python: from what was delivered to the rows of every view.

    log       what is current of each feed
    daily     what the daily export and the exports from before the refresh say of each key, and since when
    snapshot, snapshot_rows   what the current snapshot holds, and says in the columns of the daily export
    merged    of each thing, the source that spoke of it on the newest day
    views, lists, people   the rows of the views

It shares the contracts' column types and the casts of ``tests.model.records`` with the platform's other models, and nothing
with the platform.
"""
