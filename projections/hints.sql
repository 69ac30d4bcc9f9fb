-- name: note_progress
INSERT INTO hints.progress (run_id, progress) VALUES (%(run_id)s, %(progress)s)
ON CONFLICT (run_id) DO UPDATE SET progress = excluded.progress, noted_at = now();

-- name: forget_progress
DELETE FROM hints.progress WHERE noted_at < now() - interval '1 hour';

-- name: note_key_use
INSERT INTO hints.key_use AS u (key_id, used_at) VALUES (%(key_id)s, %(used_at)s)
ON CONFLICT (key_id) DO UPDATE SET used_at = greatest(u.used_at, excluded.used_at);

-- name: key_uses
SELECT key_id, used_at FROM hints.key_use WHERE key_id = ANY(%(ids)s);
