-- name: runs_by_id
-- With the latest progress of those that are on a machine: that of others is not asked for.
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
  AND (%(batch_id)s::uuid IS NULL OR batch_id = %(batch_id)s)
  AND (%(workflow_id)s::uuid IS NULL OR workflow_id = %(workflow_id)s)
  AND (%(machine_id)s::uuid IS NULL OR machine_id = %(machine_id)s)
  AND (%(since)s::timestamptz IS NULL OR created_at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR created_at < %(until)s)
  AND (%(only)s::uuid[] IS NULL OR deployment_id = ANY(%(only)s))
ORDER BY created_position DESC
LIMIT %(limit)s;

-- name: batches
SELECT id, tenant, created_position, position, version, state
FROM {schema}.batch
WHERE tenant = %(tenant)s
  AND (%(before)s::bigint IS NULL OR created_position < %(before)s)
  AND (%(only)s::uuid[] IS NULL OR deployments <@ %(only)s)
ORDER BY created_position DESC
LIMIT %(limit)s;

-- name: batch_by_id
SELECT id, tenant, created_position, position, version, state
FROM {schema}.batch WHERE id = %(id)s;

-- name: batch_counts
SELECT batch_id, status, count(*), max(ended_at)
FROM {schema}.run
WHERE batch_id = ANY(%(ids)s)
GROUP BY batch_id, status;

-- name: workflows
SELECT id, tenant, created_position, position, version, state
FROM {schema}.workflow
WHERE tenant = %(tenant)s
  AND (%(before)s::bigint IS NULL OR created_position < %(before)s)
  AND (%(name)s::text IS NULL OR name = %(name)s)
ORDER BY created_position DESC
LIMIT %(limit)s;

-- name: search_workflows
SELECT id, tenant, created_position, position, version, state
FROM {schema}.workflow
WHERE tenant = %(tenant)s AND strpos(lower(name), lower(%(text)s)) > 0
ORDER BY position DESC
LIMIT %(limit)s OFFSET %(offset)s;

-- name: workflow_of_version
SELECT id FROM {schema}.workflow
WHERE version_ids @> ARRAY[%(version_id)s::uuid] AND tenant = %(tenant)s;

-- name: deployments
SELECT id, tenant, created_position, position, version, state
FROM {schema}.deployment
WHERE tenant = %(tenant)s
  AND (%(before)s::bigint IS NULL OR created_position < %(before)s)
  AND (%(workflow_id)s::uuid IS NULL OR workflow_id = %(workflow_id)s)
  AND (%(environment)s::text IS NULL OR environment = %(environment)s)
  AND (%(only)s::uuid[] IS NULL OR id = ANY(%(only)s))
ORDER BY created_position DESC
LIMIT %(limit)s;

-- name: machines
SELECT id, tenant, created_position, position, version, state
FROM {schema}.machine
WHERE tenant = %(tenant)s
  AND (%(before)s::bigint IS NULL OR created_position < %(before)s)
  AND machine_state = ANY(%(states)s)
  AND (%(name)s::text IS NULL OR name = %(name)s)
ORDER BY created_position DESC
LIMIT %(limit)s;

-- name: open_runs_of_machine
SELECT count(*) FROM {schema}.run WHERE machine_id = %(machine_id)s AND ended_at IS NULL;

-- name: promised_batches
SELECT id FROM {schema}.batch WHERE tenant = %(tenant)s AND NOT started;

-- name: keys
SELECT id, tenant, created_position, position, version, state
FROM {schema}.key
WHERE tenant = %(tenant)s AND (%(before)s::bigint IS NULL OR created_position < %(before)s)
ORDER BY created_position DESC
LIMIT %(limit)s;

-- name: sessions
SELECT id, tenant, created_position, position, version, state
FROM {schema}.session
WHERE tenant = %(tenant)s AND (%(before)s::bigint IS NULL OR created_position < %(before)s)
  AND (NOT %(own)s OR (
    user_id IS NOT DISTINCT FROM %(user_id)s::text AND key_id IS NOT DISTINCT FROM %(key_id)s::uuid
  ))
  AND expires_at > %(now)s
ORDER BY created_position DESC
LIMIT %(limit)s;

-- name: organisations
SELECT id, tenant, created_position, position, version, state
FROM {schema}.organisation
WHERE (members @> ARRAY[%(user_id)s::text] OR tenant = %(tenant)s)
  AND (%(before)s::bigint IS NULL OR created_position < %(before)s)
ORDER BY created_position DESC
LIMIT %(limit)s;

-- name: position
SELECT position FROM {schema}.checkpoint WHERE name = 'log';
