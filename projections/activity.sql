-- name: open_runs
-- By an index of open runs alone: ended ones are never looked at.
SELECT status, waits_for, machine_id, count(*), min(created_at)
FROM {schema}.run
WHERE tenant = %(tenant)s AND ended_at IS NULL
  AND (%(only)s::uuid[] IS NULL OR deployment_id = ANY(%(only)s))
GROUP BY status, waits_for, machine_id;

-- name: hours
-- By an index that has all of it: no row is fetched. Runs that ended before comfyd recorded what
-- they took, and those that never rendered, are counted and have no times.
SELECT date_trunc('hour', ended_at, 'UTC') AS hour,
       count(*) FILTER (WHERE status = 'success'),
       count(*) FILTER (WHERE status = 'failed'),
       count(*) FILTER (WHERE status = 'cancelled'),
       count(*) FILTER (WHERE status = 'timeout'),
       percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY wait_seconds)
           FILTER (WHERE status = 'success'),
       percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY render_seconds)
           FILTER (WHERE status = 'success')
FROM {schema}.run
WHERE tenant = %(tenant)s AND ended_at >= %(since)s
  AND (%(only)s::uuid[] IS NULL OR deployment_id = ANY(%(only)s))
GROUP BY hour
ORDER BY hour;
