-- Which clicks were made, on which impressions of which bids?
-- Shows: a record filled from two earlier stages of its key, without a join.
-- Emitted once, as soon as all three are there.
INSERT INTO clicks
SELECT
  `tx_id`, `app_uid`, `campaign_item_id`, `creative_category`, `creative_id`, `domain`, `bid_price`,
  `event_id`, `occurred_at`, `win_price`
FROM outcomes
WHERE `outcome` = 'matched' AND `type` = 'click'
