-- How many events were received, by type, and how many of them are repetitions?
-- Shows: distinct event_id beside rows; a repetition has the same id.
-- Reads parquet_bcns, heartbeats left out; merging drops repetitions, so rows can shrink.
-- Parameter from instant = -P1D: The first instant of event time.
-- Parameter to instant = now: The end, not included.
SELECT
  "type" AS event,
  count(DISTINCT event_id) AS events,
  count(*) AS rows_held,
  count(DISTINCT tx_id) AS auctions
FROM parquet_bcns
WHERE occurred_at >= ${from}
  AND occurred_at < ${to}
  AND "type" <> 'heartbeat'
  AND "date" >= CAST(CAST(${from} - INTERVAL '5' MINUTE AS DATE) AS VARCHAR)
GROUP BY "type"
ORDER BY "type"
