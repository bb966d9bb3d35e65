-- What was bid in each auction, and what became of it?
-- Shows: one row per closed key, by an event-time timer.
-- Where nothing was won the price is the one offered: the training table has one price per bid.
INSERT INTO transactions
SELECT
  `tx_id`, `app_uid`, `campaign_item_id`, `creative_category`, `creative_id`, `domain`, `bid_price`,
  COALESCE(`win_price`, `bid_price`),
  `imp_at` IS NOT NULL,
  `click_at` IS NOT NULL,
  `bid_at`, `imp_at`, `click_at`
FROM outcomes
WHERE `outcome` = 'closed'
