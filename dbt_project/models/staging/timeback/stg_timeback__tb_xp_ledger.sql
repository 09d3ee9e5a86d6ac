{{ stage('timeback', 'tb_xp_ledger') }}
