-- name: projectors
-- A user without special rights sees the sessions of its own role; comfyd has one.
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = %(name)s;

-- name: quarantined
SELECT count(*) FROM {schema}.quarantine;

-- name: open_runs
SELECT state FROM {schema}.run
WHERE tenant = %(tenant)s AND ended_at IS NULL
ORDER BY created_position
LIMIT %(limit)s;
