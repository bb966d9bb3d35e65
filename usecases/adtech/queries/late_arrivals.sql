-- How long after it happened does an event arrive, and how many arrive too late to be counted?
-- Shows: time of the event beside time of receipt; dead letters joined to what was received.
-- Reads parquet_bcns and parquet_dead_letters.
-- Parameter from instant = -P1D: The first instant of receipt.
-- Parameter to instant = now: The end, not included.
WITH received AS (
  SELECT DISTINCT
    tx_id, "type", event_id,
    date_diff('second', occurred_at, received_at) AS delay
  FROM parquet_bcns
  WHERE received_at >= ${from}
    AND received_at < ${to}
    AND "type" <> 'heartbeat'
    AND "date" >= CAST(CAST(${from} AS DATE) AS VARCHAR)
),
late AS (
  SELECT DISTINCT event_id
  FROM parquet_dead_letters
  WHERE reason = 'late'
    AND "date" >= CAST(CAST(${from} AS DATE) AS VARCHAR)
)
SELECT
  CASE
    WHEN received.delay < 1 THEN '1: under a second'
    WHEN received.delay < 60 THEN '2: under a minute'
    WHEN received.delay < 3600 THEN '3: under an hour'
    WHEN received.delay < 86400 THEN '4: under a day'
    ELSE '5: a day or more'
  END AS delay,
  received."type" AS event,
  count(*) AS events,
  count(late.event_id) AS not_counted
FROM received
LEFT JOIN late ON late.event_id = received.event_id
GROUP BY 1, 2
ORDER BY 1, 2
