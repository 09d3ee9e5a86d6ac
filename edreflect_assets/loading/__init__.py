"""Loading: landed bytes of one (feed, org, day) to rows of the raw log, all files or none."""
