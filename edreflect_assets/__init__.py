"""EdReflect platform: CSV exports over SFTP, reconciled and published as org-scoped Postgres views."""
