"""Publishing to an Ed-Fi ODS/API of an org."""
