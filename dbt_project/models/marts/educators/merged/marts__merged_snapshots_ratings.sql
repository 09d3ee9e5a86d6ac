{{ newest_of_sources('snapshots_ratings', document='snapshots', known_by='snapshot_id') }}
