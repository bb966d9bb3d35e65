-- Which impressions were shown, and for which bids?
-- Shows: the port of one stage: its records, filled from the earlier stage, without a join.
-- Emitted once, as soon as both are there.
CREATE TEMPORARY TABLE shown (
  ${events},
  `bid_price` BIGINT
) WITH (
  'connector' = 'correlate',
  'name' = '${use_case}-correlate',
  'port' = 'matched:imp'
);
INSERT INTO impressions
SELECT
  `tx_id`, `app_uid`, `campaign_item_id`, `creative_category`, `creative_id`, `domain`, `bid_price`,
  `event_id`, `occurred_at`, `win_price`
FROM shown
