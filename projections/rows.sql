-- name: save_run
INSERT INTO {schema}.run AS t (
    id, tenant, created_position, position, version, state,
    status, workflow_id, deployment_id, machine_id, batch_id, created_at, ended_at,
    erased_at, input_keys, waits_for, wait_seconds, render_seconds
) VALUES (
    %(id)s, %(tenant)s, %(created_position)s, %(position)s, %(version)s, %(state)s,
    %(status)s, %(workflow_id)s, %(deployment_id)s, %(machine_id)s, %(batch_id)s,
    %(created_at)s, %(ended_at)s, %(erased_at)s, %(input_keys)s, %(waits_for)s,
    %(wait_seconds)s, %(render_seconds)s
)
ON CONFLICT (id) DO UPDATE SET
    position = excluded.position, version = excluded.version, state = excluded.state,
    status = excluded.status, machine_id = excluded.machine_id, ended_at = excluded.ended_at,
    erased_at = excluded.erased_at, input_keys = excluded.input_keys,
    waits_for = excluded.waits_for,
    wait_seconds = excluded.wait_seconds, render_seconds = excluded.render_seconds
WHERE t.position < excluded.position;

-- name: save_batch
INSERT INTO {schema}.batch AS t (
    id, tenant, created_position, position, version, state, deployments, started
) VALUES (
    %(id)s, %(tenant)s, %(created_position)s, %(position)s, %(version)s, %(state)s,
    %(deployments)s, %(started)s
)
ON CONFLICT (id) DO UPDATE SET
    position = excluded.position, version = excluded.version, state = excluded.state,
    started = excluded.started
WHERE t.position < excluded.position;

-- name: save_workflow
INSERT INTO {schema}.workflow AS t (
    id, tenant, created_position, position, version, state, name, version_ids
) VALUES (
    %(id)s, %(tenant)s, %(created_position)s, %(position)s, %(version)s, %(state)s, %(name)s,
    %(version_ids)s
)
ON CONFLICT (id) DO UPDATE SET
    position = excluded.position, version = excluded.version, state = excluded.state,
    version_ids = excluded.version_ids
WHERE t.position < excluded.position;

-- name: save_deployment
INSERT INTO {schema}.deployment AS t (
    id, tenant, created_position, position, version, state, workflow_id, environment
) VALUES (
    %(id)s, %(tenant)s, %(created_position)s, %(position)s, %(version)s, %(state)s,
    %(workflow_id)s, %(environment)s
)
ON CONFLICT (id) DO UPDATE SET
    position = excluded.position, version = excluded.version, state = excluded.state
WHERE t.position < excluded.position;

-- name: save_machine
INSERT INTO {schema}.machine AS t (
    id, tenant, created_position, position, version, state, name, machine_state
) VALUES (
    %(id)s, %(tenant)s, %(created_position)s, %(position)s, %(version)s, %(state)s,
    %(name)s, %(machine_state)s
)
ON CONFLICT (id) DO UPDATE SET
    position = excluded.position, version = excluded.version, state = excluded.state,
    name = excluded.name, machine_state = excluded.machine_state
WHERE t.position < excluded.position;

-- name: save_key
INSERT INTO {schema}.key AS t (
    id, tenant, created_position, position, version, state
) VALUES (
    %(id)s, %(tenant)s, %(created_position)s, %(position)s, %(version)s, %(state)s
)
ON CONFLICT (id) DO UPDATE SET
    position = excluded.position, version = excluded.version, state = excluded.state
WHERE t.position < excluded.position;

-- name: save_token
INSERT INTO {schema}.token AS t (
    id, tenant, created_position, position, version, state
) VALUES (
    %(id)s, %(tenant)s, %(created_position)s, %(position)s, %(version)s, %(state)s
)
ON CONFLICT (id) DO UPDATE SET
    position = excluded.position, version = excluded.version, state = excluded.state
WHERE t.position < excluded.position;

-- name: save_session
INSERT INTO {schema}.session AS t (
    id, tenant, created_position, position, version, state, user_id, key_id, expires_at
) VALUES (
    %(id)s, %(tenant)s, %(created_position)s, %(position)s, %(version)s, %(state)s,
    %(user_id)s, %(key_id)s, %(expires_at)s
)
ON CONFLICT (id) DO UPDATE SET
    position = excluded.position, version = excluded.version, state = excluded.state
WHERE t.position < excluded.position;

-- name: save_organisation
INSERT INTO {schema}.organisation AS t (
    id, tenant, created_position, position, version, state, members
) VALUES (
    %(id)s, %(tenant)s, %(created_position)s, %(position)s, %(version)s, %(state)s, %(members)s
)
ON CONFLICT (id) DO UPDATE SET
    position = excluded.position, version = excluded.version, state = excluded.state,
    members = excluded.members
WHERE t.position < excluded.position;

-- name: save_alias
INSERT INTO {schema}.alias AS t (
    id, tenant, created_position, position, version, state, kind, target_id
) VALUES (
    %(id)s, %(tenant)s, %(created_position)s, %(position)s, %(version)s, %(state)s,
    %(kind)s, %(target_id)s
)
ON CONFLICT (id) DO UPDATE SET
    position = excluded.position, version = excluded.version, state = excluded.state,
    target_id = excluded.target_id
WHERE t.position < excluded.position;

-- name: checkpoint
SELECT position FROM {schema}.checkpoint WHERE name = 'log';

-- name: lock_checkpoint
-- The table, not the row: who waits for the row holds a lock that stops the swap for ever.
LOCK TABLE {schema}.checkpoint IN EXCLUSIVE MODE;

-- name: move_checkpoint
-- Compare and set: no row means that another projector has been here.
UPDATE {schema}.checkpoint SET position = %(new)s
WHERE name = 'log' AND position = %(old)s;

-- name: quarantined
SELECT aggregate FROM {schema}.quarantine;

-- name: quarantine
INSERT INTO {schema}.quarantine (aggregate, position, event_type, error)
VALUES (%(aggregate)s, %(position)s, %(event_type)s, %(error)s)
ON CONFLICT (aggregate) DO NOTHING;
