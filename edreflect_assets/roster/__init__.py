"""Packages of OneRoster CSV files: reading them safely, judging them rule by rule, reporting, and writing them."""
