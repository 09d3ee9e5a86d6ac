{{ newest_of_sources('snapshots', document='snapshots', known_by='snapshot_id') }}
