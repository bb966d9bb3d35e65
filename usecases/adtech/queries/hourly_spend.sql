-- How much is spent in each hour, and for how many impressions?
-- Shows: one row per auction whatever the lake holds twice, then hours of event time.
-- Reads parquet_impressions, of the days on which they can have been delivered.
-- Parameter from instant = -P1D: The first instant.
-- Parameter to instant = now: The end, not included.
-- Parameter campaign integer = none: One campaign only.
WITH shown AS (
  SELECT DISTINCT tx_id, occurred_at, win_price
  FROM parquet_impressions
  WHERE occurred_at >= ${from}
    AND occurred_at < ${to}
    AND (${campaign} IS NULL OR campaign_item_id = ${campaign})
    -- Nothing is delivered more than five minutes before it happens.
    AND "date" >= CAST(CAST(${from} - INTERVAL '5' MINUTE AS DATE) AS VARCHAR)
)
SELECT
  date_trunc('hour', occurred_at) AS hour_start,
  count(*) AS impressions,
  CAST(sum(win_price) AS BIGINT) AS spend
FROM shown
GROUP BY date_trunc('hour', occurred_at)
ORDER BY hour_start
