-- Which impressions were shown, and for which bids?
-- Shows: a record filled from the earlier stage of its key, without a join.
-- Emitted once, as soon as both are there.
INSERT INTO impressions
SELECT
  `tx_id`, `app_uid`, `campaign_item_id`, `creative_category`, `creative_id`, `domain`, `bid_price`,
  `event_id`, `occurred_at`, `win_price`
FROM outcomes
WHERE `outcome` = 'matched' AND `type` = 'imp'
