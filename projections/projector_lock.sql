-- name: begin
SELECT pg_try_advisory_lock(7203903);

-- name: end_other
-- A rebuild (7203902) holds it up on purpose for a while.
SELECT pg_terminate_backend(pid) FROM pg_locks
WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = 7203903 AND objsubid = 1
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND NOT EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = 7203902 AND objsubid = 1
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  );
