"""The catalogue a person can read: a static site of the published views, from dbt's manifest and the warehouse.

``views`` says what is published, ``lineage`` which delivered files are behind it, ``warehouse`` how fresh and how large it
is, ``examples`` how it is queried; ``pages`` and ``site`` make the site of them. Nothing here reads a row of a person:
rows are counted.
"""
