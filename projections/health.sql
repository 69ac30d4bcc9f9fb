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

-- name: server_version
SELECT current_setting('server_version_num');

-- name: write_probe
CREATE TEMPORARY TABLE comfyd_write_probe ON COMMIT DROP AS
SELECT repeat(md5(n::text), 64) FROM generate_series(1, 64) AS n;

-- name: status_counts
SELECT status, count(*) FROM {schema}.run GROUP BY status ORDER BY status;

-- name: quarantine
SELECT aggregate, position, event_type, error FROM {schema}.quarantine ORDER BY position;
