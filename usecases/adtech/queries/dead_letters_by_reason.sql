-- What was not counted, and why?
-- Shows: a dead letter has an id, so what the lake holds twice counts once.
-- Reads parquet_dead_letters.
-- Parameter from instant = -P1D: The first instant of failure.
-- Parameter to instant = now: The end, not included.
SELECT
  stage,
  reason,
  count(DISTINCT id) AS records,
  min(failed_at) AS first_at,
  max(failed_at) AS last_at,
  min(detail) AS example
FROM parquet_dead_letters
WHERE failed_at >= ${from}
  AND failed_at < ${to}
  AND "date" >= CAST(CAST(${from} AS DATE) AS VARCHAR)
GROUP BY stage, reason
ORDER BY records DESC, stage, reason
