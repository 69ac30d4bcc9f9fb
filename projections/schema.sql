-- name: exists
SELECT to_regnamespace(%(schema)s) IS NOT NULL;

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
    state bytea NOT NULL,
    CHECK ((ended_at IS NOT NULL) = (status IN ('success', 'failed', 'cancelled', 'timeout')))
);
CREATE INDEX ON {schema}.run (tenant, created_position DESC);
CREATE INDEX ON {schema}.run (tenant, status, created_position DESC);
CREATE INDEX ON {schema}.run (tenant, deployment_id, created_position DESC);

CREATE TABLE {schema}.workflow (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    name text NOT NULL,
    created_position bigint NOT NULL,
    position bigint NOT NULL,
    version int NOT NULL CHECK (version > 0),
    state bytea NOT NULL,
    UNIQUE (tenant, name)
);

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

CREATE TABLE {schema}.machine (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    name text NOT NULL,
    created_position bigint NOT NULL,
    position bigint NOT NULL,
    version int NOT NULL CHECK (version > 0),
    state bytea NOT NULL,
    UNIQUE (tenant, name)
);

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
