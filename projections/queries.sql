-- name: runs_by_id
-- With the latest progress of those that are on a machine: nobody asks for that of others.
SELECT r.id, r.tenant, r.created_position, r.position, r.version, r.state, p.progress
FROM {schema}.run AS r
LEFT JOIN hints.progress AS p ON p.run_id = r.id AND r.status = 'running'
WHERE r.id = ANY(%(ids)s);

-- name: runs
SELECT id, tenant, created_position, position, version, state
FROM {schema}.run
WHERE tenant = %(tenant)s
  AND (%(before)s::bigint IS NULL OR created_position < %(before)s)
  AND (%(status)s::text IS NULL OR status = %(status)s)
  AND (%(deployment_id)s::uuid IS NULL OR deployment_id = %(deployment_id)s)
ORDER BY created_position DESC
LIMIT %(limit)s;

-- name: workflows
SELECT id, tenant, created_position, position, version, state
FROM {schema}.workflow
WHERE tenant = %(tenant)s AND (%(before)s::bigint IS NULL OR created_position < %(before)s)
ORDER BY created_position DESC
LIMIT %(limit)s;

-- name: deployments
SELECT id, tenant, created_position, position, version, state
FROM {schema}.deployment
WHERE tenant = %(tenant)s AND (%(before)s::bigint IS NULL OR created_position < %(before)s)
ORDER BY created_position DESC
LIMIT %(limit)s;

-- name: machines
SELECT id, tenant, created_position, position, version, state
FROM {schema}.machine
WHERE tenant = %(tenant)s AND (%(before)s::bigint IS NULL OR created_position < %(before)s)
ORDER BY created_position DESC
LIMIT %(limit)s;

-- name: position
SELECT position FROM {schema}.checkpoint WHERE name = 'log';

-- name: note_progress
INSERT INTO hints.progress (run_id, progress) VALUES (%(run_id)s, %(progress)s)
ON CONFLICT (run_id) DO UPDATE SET progress = excluded.progress, noted_at = now();

-- name: forget_progress
DELETE FROM hints.progress WHERE noted_at < now() - interval '1 hour';

-- name: status_counts
SELECT status, count(*) FROM {schema}.run GROUP BY status ORDER BY status;

-- name: quarantine
SELECT aggregate, position, event_type, error FROM {schema}.quarantine ORDER BY position;
