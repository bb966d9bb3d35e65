-- How does the chance to win an auction grow with the price that is bid?
-- Shows: whole numbers divide to whole numbers, so that a price falls into its step.
-- Reads parquet_transactions: auctions that are closed, each once.
-- Parameter from instant = -P7D: The first instant.
-- Parameter to instant = now: The end, not included.
-- Parameter campaign integer = none: One campaign only.
-- Parameter step integer = 500: Width of a step of prices, micro-USD.
WITH auctions AS (
  SELECT DISTINCT tx_id, bid_price, won
  FROM parquet_transactions
  WHERE bid_at >= ${from}
    AND bid_at < ${to}
    AND bid_price IS NOT NULL
    AND (${campaign} IS NULL OR campaign_item_id = ${campaign})
    AND "date" >= CAST(CAST(${from} - INTERVAL '5' MINUTE AS DATE) AS VARCHAR)
)
SELECT
  bid_price / ${step} * ${step} AS price_from,
  count(*) AS bids,
  count_if(won) AS won,
  CAST(count_if(won) AS DOUBLE) / count(*) AS win_rate
FROM auctions
GROUP BY bid_price / ${step} * ${step}
ORDER BY price_from
