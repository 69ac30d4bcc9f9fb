-- What is read of the tables of a comfyui-deploy. Columns that are not needed are not named: its
-- versions differ in those. A name that is null is an empty one.

-- name: begin
BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY

-- name: machines
SELECT id::text, user_id, org_id, coalesce(name, ''), coalesce(endpoint, ''),
    coalesce(type::text, ''), coalesce(disabled, false),
    coalesce(auth_token, '')
FROM comfyui_deploy.machines
ORDER BY created_at, id

-- name: workflows
SELECT id::text, user_id, org_id, coalesce(name, '')
FROM comfyui_deploy.workflows
ORDER BY created_at, id

-- name: versions
SELECT id::text, workflow_id::text, version
FROM comfyui_deploy.workflow_versions
ORDER BY workflow_id, version, created_at, id

-- name: graphs
SELECT workflow_api, workflow, snapshot
FROM comfyui_deploy.workflow_versions
WHERE id = %(id)s::uuid

-- name: deployments
SELECT id::text, workflow_id::text, workflow_version_id::text, machine_id::text,
    environment::text, coalesce(share_slug, '')
FROM comfyui_deploy.deployments
ORDER BY updated_at DESC, id

-- name: keys
SELECT id::text, coalesce(name, ''), key, coalesce(revoked, false)
FROM comfyui_deploy.api_keys
ORDER BY created_at, id

-- name: left_behind
SELECT
    (SELECT count(*) FROM comfyui_deploy.workflow_runs),
    (SELECT count(*) FROM comfyui_deploy.workflow_run_outputs)
