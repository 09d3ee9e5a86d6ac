"""Dagster around the core: partitions, assets, checks, schedules and sensors.

Nothing outside this package and ``definitions.py`` imports dagster.
"""
