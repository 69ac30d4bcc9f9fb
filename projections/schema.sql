-- name: exists
SELECT to_regnamespace(%(schema)s) IS NOT NULL;

-- name: make
SELECT obj_description(to_regnamespace(%(schema)s)::oid, 'pg_namespace');

-- name: columns
SELECT column_name, data_type FROM information_schema.columns
WHERE table_schema = %(schema)s AND table_name = %(table)s
ORDER BY ordinal_position;

-- name: create
-- The read models. Disposable: every row follows from the log. {schema} is `read`, or the name a
-- rebuild gives while it works beside the live tables.
CREATE SCHEMA {schema};

CREATE TABLE {schema}.checkpoint (
    name text PRIMARY KEY,
    position bigint NOT NULL CHECK (position >= 0)
);
INSERT INTO {schema}.checkpoint (name, position) VALUES ('log', 0);

CREATE TABLE {schema}.run (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    status text NOT NULL CHECK (status IN (
        'not-started', 'queued', 'started', 'running', 'uploading',
        'success', 'failed', 'cancelled', 'timeout'
    )),
    workflow_id uuid NOT NULL,
    deployment_id uuid NOT NULL,
    machine_id uuid NOT NULL,
    created_position bigint NOT NULL,
    position bigint NOT NULL,
    version int NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    batch_id uuid,
    erased_at timestamptz,
    input_keys text[] NOT NULL,
    waits_for text,
    wait_seconds real,
    render_seconds real,
    state bytea NOT NULL,
    CHECK ((ended_at IS NOT NULL) = (status IN ('success', 'failed', 'cancelled', 'timeout')))
);
CREATE INDEX ON {schema}.run (tenant, created_position DESC);
CREATE INDEX ON {schema}.run (tenant, status, created_position DESC);
CREATE INDEX ON {schema}.run (tenant, created_at);
CREATE INDEX ON {schema}.run (tenant, deployment_id, created_position DESC);
CREATE INDEX ON {schema}.run (tenant, workflow_id, created_position DESC);
CREATE INDEX ON {schema}.run (tenant, machine_id, created_position DESC);
-- Figures of the last hours are read from this index alone.
CREATE INDEX ON {schema}.run (tenant, ended_at)
    INCLUDE (status, deployment_id, wait_seconds, render_seconds) WHERE ended_at IS NOT NULL;
CREATE INDEX ON {schema}.run (ended_at, id) WHERE ended_at IS NOT NULL AND erased_at IS NULL;
CREATE INDEX ON {schema}.run USING gin (input_keys) WHERE input_keys <> '{{}}';
CREATE INDEX ON {schema}.run (machine_id) WHERE ended_at IS NULL;
CREATE INDEX ON {schema}.run (status, waits_for, created_at) WHERE ended_at IS NULL;
CREATE INDEX ON {schema}.run (batch_id, created_position DESC) WHERE batch_id IS NOT NULL;

CREATE TABLE {schema}.batch (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    deployments uuid[] NOT NULL,
    started boolean NOT NULL,
    created_position bigint NOT NULL,
    position bigint NOT NULL,
    version int NOT NULL CHECK (version > 0),
    state bytea NOT NULL
);
CREATE INDEX ON {schema}.batch (tenant, created_position DESC);
CREATE INDEX ON {schema}.batch (tenant) WHERE NOT started;

CREATE TABLE {schema}.workflow (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    name text NOT NULL,
    version_ids uuid[] NOT NULL,
    created_position bigint NOT NULL,
    position bigint NOT NULL,
    version int NOT NULL CHECK (version > 0),
    state bytea NOT NULL,
    UNIQUE (tenant, name)
);
CREATE INDEX ON {schema}.workflow USING gin (version_ids);

CREATE TABLE {schema}.deployment (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    workflow_id uuid NOT NULL,
    environment text NOT NULL,
    created_position bigint NOT NULL,
    position bigint NOT NULL,
    version int NOT NULL CHECK (version > 0),
    state bytea NOT NULL,
    UNIQUE (workflow_id, environment)
);
CREATE INDEX ON {schema}.deployment (tenant, created_position DESC);

-- Names are labels: two machines may share one for a moment, and removed ones keep theirs.
CREATE TABLE {schema}.machine (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    name text NOT NULL,
    machine_state text NOT NULL CHECK (machine_state IN (
        'active', 'draining', 'disabled', 'removed'
    )),
    created_position bigint NOT NULL,
    position bigint NOT NULL,
    version int NOT NULL CHECK (version > 0),
    state bytea NOT NULL
);
CREATE INDEX ON {schema}.machine (tenant, created_position DESC);
CREATE INDEX ON {schema}.machine (tenant, name);

CREATE TABLE {schema}.key (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    created_position bigint NOT NULL,
    position bigint NOT NULL,
    version int NOT NULL CHECK (version > 0),
    state bytea NOT NULL
);
CREATE INDEX ON {schema}.key (tenant, created_position DESC);

-- Tokens that were revoked; of others the log knows nothing.
CREATE TABLE {schema}.token (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    created_position bigint NOT NULL,
    position bigint NOT NULL,
    version int NOT NULL CHECK (version > 0),
    state bytea NOT NULL
);

CREATE TABLE {schema}.session (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    user_id text,
    key_id uuid,
    expires_at timestamptz NOT NULL,
    created_position bigint NOT NULL,
    position bigint NOT NULL,
    version int NOT NULL CHECK (version > 0),
    state bytea NOT NULL
);
CREATE INDEX ON {schema}.session (tenant, created_position DESC);

CREATE TABLE {schema}.organisation (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    members text[] NOT NULL,
    created_position bigint NOT NULL,
    position bigint NOT NULL,
    version int NOT NULL CHECK (version > 0),
    state bytea NOT NULL
);
CREATE INDEX ON {schema}.organisation USING gin (members);
CREATE INDEX ON {schema}.organisation (tenant);

-- Ids of other systems. One by one they are read from the log.
CREATE TABLE {schema}.alias (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    kind text NOT NULL,
    target_id uuid NOT NULL,
    created_position bigint NOT NULL,
    position bigint NOT NULL,
    version int NOT NULL CHECK (version > 0),
    state bytea NOT NULL
);
CREATE INDEX ON {schema}.alias (target_id);

CREATE TABLE {schema}.quarantine (
    aggregate text PRIMARY KEY,
    position bigint NOT NULL,
    event_type text NOT NULL,
    error text NOT NULL
);

-- name: create_hints
-- Not a read model: the latest progress, for those who poll. May be lost at any time.
CREATE SCHEMA IF NOT EXISTS hints;
CREATE UNLOGGED TABLE IF NOT EXISTS hints.progress (
    run_id uuid PRIMARY KEY,
    progress bytea NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT now()
);
-- Nor this: when each key was used last.
CREATE UNLOGGED TABLE IF NOT EXISTS hints.key_use (
    key_id uuid PRIMARY KEY,
    used_at timestamptz NOT NULL
);
-- Requests by whoever made them, in the minute that is counted just now.
CREATE UNLOGGED TABLE IF NOT EXISTS hints.request_count (
    subject text PRIMARY KEY,
    minute bigint NOT NULL,
    taken bigint NOT NULL
);
-- Runs that were let in and are not in the read models yet.
CREATE UNLOGGED TABLE IF NOT EXISTS hints.reservation (
    run_id uuid PRIMARY KEY,
    tenant text NOT NULL,
    made_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS reservation_tenant_idx ON hints.reservation (tenant);
