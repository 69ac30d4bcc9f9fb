-- name: load
SELECT id, tenant, created_position, position, version, state
FROM {schema}.{table} WHERE id = ANY(%s);
