-- Which clicks were made, on which impressions of which bids?
-- Shows: the port of one stage: its records, filled from two earlier stages, without a join.
-- Emitted once, as soon as all three are there.
CREATE TEMPORARY TABLE clicked (
  ${events},
  `bid_price` BIGINT
) WITH (
  'connector' = 'correlate',
  'name' = '${use_case}-correlate',
  'port' = 'matched:click'
);
INSERT INTO clicks
SELECT
  `tx_id`, `app_uid`, `campaign_item_id`, `creative_category`, `creative_id`, `domain`, `bid_price`,
  `event_id`, `occurred_at`, `win_price`
FROM clicked
