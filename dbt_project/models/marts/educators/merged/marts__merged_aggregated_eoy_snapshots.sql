{{ newest_of_sources('aggregated_eoy_snapshots') }}
