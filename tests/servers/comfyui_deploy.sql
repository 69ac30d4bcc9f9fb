-- The tables of a comfyui-deploy's database; the enums have the words of the hosted service, too.
CREATE SCHEMA comfyui_deploy;
SET search_path TO comfyui_deploy;
CREATE TYPE deployment_environment AS ENUM 
    ('staging', 'production', 'public-share', 'private-share', 'community-share', 'preview');
CREATE TYPE machine_type AS ENUM
    ('classic', 'runpod-serverless', 'modal-serverless', 'comfy-deploy-serverless', 'workspace');
CREATE TYPE machine_status AS ENUM ('ready', 'building', 'error');
CREATE TYPE machine_gpu AS ENUM ('T4', 'A10G', 'A100');
CREATE TYPE workflow_run_status AS ENUM
    ('not-started', 'running', 'uploading', 'success', 'failed');
CREATE TYPE workflow_run_origin AS ENUM ('manual', 'api', 'public-share');
CREATE TABLE users (
    id text PRIMARY KEY, username text NOT NULL, name text NOT NULL,
    created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now()
);
CREATE TABLE workflows (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE, org_id text, name text,
    created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now()
);
CREATE TABLE workflow_versions (
    workflow_id uuid NOT NULL REFERENCES workflows ON DELETE CASCADE,
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), workflow jsonb, workflow_api jsonb,
    version integer NOT NULL, snapshot jsonb,
    created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now()
);
CREATE TABLE machines (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE, name text NOT NULL, org_id text,
    endpoint text NOT NULL,
    created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now(),
    disabled boolean NOT NULL DEFAULT false, auth_token text,
    type machine_type NOT NULL DEFAULT 'classic', status machine_status NOT NULL DEFAULT 'ready',
    snapshot jsonb, models jsonb, gpu machine_gpu, build_machine_instance_id text, build_log text
);
CREATE TABLE deployments (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE, org_id text,
    workflow_version_id uuid NOT NULL REFERENCES workflow_versions,
    workflow_id uuid NOT NULL REFERENCES workflows ON DELETE CASCADE,
    machine_id uuid NOT NULL REFERENCES machines, share_slug text UNIQUE, description text,
    showcase_media jsonb, environment deployment_environment NOT NULL,
    created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now()
);
CREATE TABLE api_keys (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), key text UNIQUE NOT NULL, name text NOT NULL,
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE, org_id text,
    revoked boolean NOT NULL DEFAULT false,
    created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now()
);
CREATE TABLE workflow_runs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    workflow_version_id uuid REFERENCES workflow_versions ON DELETE SET NULL,
    workflow_inputs jsonb, workflow_id uuid NOT NULL REFERENCES workflows ON DELETE CASCADE,
    machine_id uuid REFERENCES machines ON DELETE SET NULL,
    origin workflow_run_origin NOT NULL DEFAULT 'api',
    status workflow_run_status NOT NULL DEFAULT 'not-started',
    ended_at timestamp, created_at timestamp NOT NULL DEFAULT now(), started_at timestamp
);
CREATE TABLE workflow_run_outputs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    run_id uuid NOT NULL REFERENCES workflow_runs ON DELETE CASCADE, data jsonb,
    created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now()
);
CREATE TABLE auth_requests (
    request_id text PRIMARY KEY, user_id text, org_id text, api_hash text,
    created_at timestamp NOT NULL DEFAULT now(), expired_date timestamp,
    updated_at timestamp NOT NULL DEFAULT now()
);
