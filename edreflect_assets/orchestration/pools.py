"""The pools that limit what runs at once; dagster.yaml and ``instance.py`` set their limits."""

SFTP_POOL = "sftp"
DBT_POOL = "dbt"
