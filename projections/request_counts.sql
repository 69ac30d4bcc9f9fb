-- name: take
-- One statement, so no other comes between: the count of this minute with ours added. The minute is
-- Postgres's own, and never goes back: who waited for the row may have read an earlier one.
INSERT INTO hints.request_count AS c (subject, minute, taken)
VALUES (%(subject)s, floor(extract(epoch FROM clock_timestamp()) / 60), %(many)s)
ON CONFLICT (subject) DO UPDATE SET
    minute = greatest(c.minute, excluded.minute),
    taken = CASE WHEN c.minute < excluded.minute THEN 0 ELSE c.taken END + excluded.taken
RETURNING taken, minute, ((minute + 1) * 60 - extract(epoch FROM clock_timestamp()))::float8;

-- name: forget
-- Rows in which others count just now are left to the next sweep.
DELETE FROM hints.request_count WHERE subject IN (
    SELECT subject FROM hints.request_count WHERE minute < %(minute)s FOR UPDATE SKIP LOCKED
);
