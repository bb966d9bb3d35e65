-- Which clicks were made, on which impressions of which bids?
-- Shows: the port of one stage: its records, filled from two earlier stages, without a join.
-- Emitted once, as soon as all three are there.
CREATE TEMPORARY TABLE enriched_click (
  ${events},
  `bid_price` BIGINT
) WITH (
  'connector' = 'correlate',
  'name' = '${use_case}-correlate',
  'port' = 'matched:click'
)
