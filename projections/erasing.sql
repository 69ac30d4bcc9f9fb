-- name: used_keys
-- An erased run has no keys any more.
SELECT DISTINCT used.key
FROM {schema}.run AS r, unnest(r.input_keys) AS used (key)
WHERE r.input_keys <> '{{}}' AND r.input_keys && %(keys)s::text[] AND used.key = ANY(%(keys)s);

-- name: runs_with_data
SELECT id, ended_at
FROM {schema}.run
WHERE ended_at IS NOT NULL AND erased_at IS NULL AND ended_at < %(before)s
  AND (ended_at, id) > (%(after_time)s, %(after_id)s)
ORDER BY ended_at, id
LIMIT %(limit)s;

-- name: forget_progress_of
DELETE FROM hints.progress WHERE run_id = %(run_id)s;
