-- On which domains do ads appear most, and which of them are worth it?
-- Shows: what became of an auction beside what was bid, one row each.
-- Reads parquet_transactions: auctions that are closed, each once.
-- Parameter from instant = -P1D: The first instant.
-- Parameter to instant = now: The end, not included.
-- Parameter limit integer = 20: How many domains.
WITH auctions AS (
  SELECT DISTINCT tx_id, "domain", won, clicked, win_price
  FROM parquet_transactions
  WHERE bid_at >= ${from}
    AND bid_at < ${to}
    AND "date" >= CAST(CAST(${from} - INTERVAL '5' MINUTE AS DATE) AS VARCHAR)
)
SELECT
  "domain",
  count(*) AS bids,
  count_if(won) AS impressions,
  count_if(clicked) AS clicks,
  CAST(coalesce(sum(CASE WHEN won THEN win_price END), 0) AS BIGINT) AS spend
FROM auctions
GROUP BY "domain"
ORDER BY impressions DESC, "domain"
LIMIT ${limit}
