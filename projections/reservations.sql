-- name: lock
-- One at a time for each tenant, until the end of the transaction; 7203902 is this lock's family.
SELECT pg_advisory_xact_lock(7203902, hashtext(%(tenant)s));

-- name: forget_projected
DELETE FROM hints.reservation AS v
WHERE v.tenant = %(tenant)s AND EXISTS (SELECT FROM {schema}.run AS r WHERE r.id = v.run_id);

-- name: new
SELECT wanted.id FROM unnest(%(run_ids)s::uuid[]) AS wanted (id)
WHERE NOT EXISTS (SELECT FROM {schema}.run AS r WHERE r.id = wanted.id)
  AND NOT EXISTS (SELECT FROM hints.reservation AS v WHERE v.run_id = wanted.id);

-- name: in_flight
-- A run is counted once, even if it came into the tables since its reservation was looked for.
SELECT (
    SELECT count(*) FROM {schema}.run
    WHERE tenant = %(tenant)s AND status = ANY(%(open)s)
) + (
    SELECT count(*) FROM hints.reservation AS v
    WHERE v.tenant = %(tenant)s
      AND NOT EXISTS (SELECT FROM {schema}.run AS r WHERE r.id = v.run_id)
);

-- name: made_since
SELECT (
    SELECT count(*) FROM {schema}.run WHERE tenant = %(tenant)s AND created_at >= %(since)s
) + (
    SELECT count(*) FROM hints.reservation AS v
    WHERE v.tenant = %(tenant)s AND v.made_at >= %(since)s
      AND NOT EXISTS (SELECT FROM {schema}.run AS r WHERE r.id = v.run_id)
);

-- name: reserve
INSERT INTO hints.reservation (run_id, tenant, made_at)
SELECT wanted.id, %(tenant)s, %(made_at)s FROM unnest(%(run_ids)s::uuid[]) AS wanted (id);

-- name: release
DELETE FROM hints.reservation WHERE run_id = ANY(%(run_ids)s);

-- name: old
SELECT run_id FROM hints.reservation
WHERE tenant = %(tenant)s AND made_at < %(before)s ORDER BY made_at LIMIT %(limit)s;
