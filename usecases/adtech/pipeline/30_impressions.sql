-- Which impressions were shown, and for which bids?
-- Shows: the port of one stage: its records, filled from the earlier stage, without a join.
-- Emitted once, as soon as both are there.
CREATE TEMPORARY TABLE enriched_impression (
  ${events},
  `bid_price` BIGINT
) WITH (
  'connector' = 'correlate',
  'name' = '${use_case}-correlate',
  'port' = 'matched:imp'
)
