-- name: open_runs
SELECT status, waits_for, count(*), extract(epoch FROM now() - min(created_at))::float8
FROM {schema}.run
WHERE ended_at IS NULL
GROUP BY status, waits_for;

-- name: machines
SELECT machine_state, count(*) FROM {schema}.machine
WHERE machine_state <> 'removed'
GROUP BY machine_state;

-- name: rest
SELECT (SELECT position FROM {schema}.checkpoint WHERE name = 'log'),
       (SELECT count(*) FROM {schema}.quarantine);
