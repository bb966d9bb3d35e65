-- Which senders repeat themselves, and how often?
-- Shows: the original bytes of a dead letter, read as JSON.
-- Reads parquet_dead_letters: merging drops repetitions from parquet_bcns, not from here. Only a
-- bid names its sender.
-- Parameter from instant = -P1D: The first instant of failure.
-- Parameter to instant = now: The end, not included.
-- Parameter limit integer = 20: How many senders.
SELECT
  json_extract_scalar(from_utf8(from_base64(payload)), '$.app_uid') AS app_uid,
  count(DISTINCT id) AS repeated,
  count(DISTINCT event_id) AS events
FROM parquet_dead_letters
WHERE reason = 'duplicate'
  AND failed_at >= ${from}
  AND failed_at < ${to}
  AND "date" >= CAST(CAST(${from} AS DATE) AS VARCHAR)
  AND json_extract_scalar(from_utf8(from_base64(payload)), '$.type') = 'bid'
GROUP BY json_extract_scalar(from_utf8(from_base64(payload)), '$.app_uid')
ORDER BY repeated DESC, app_uid
LIMIT ${limit}
