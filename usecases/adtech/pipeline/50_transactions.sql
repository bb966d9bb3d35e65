-- What was bid in each auction, and what became of it?
-- Shows: one row for each key that closed, when the watermark has passed it.
-- Where nothing was won the price is the one offered: the training table has one price per bid.
CREATE TEMPORARY TABLE closed (
  ${events},
  `bid_price` BIGINT,
  `bid_at` TIMESTAMP_LTZ(3),
  `imp_at` TIMESTAMP_LTZ(3),
  `click_at` TIMESTAMP_LTZ(3)
) WITH (
  'connector' = 'correlate',
  'name' = '${use_case}-correlate',
  'port' = 'closed'
);
CREATE TEMPORARY VIEW `transaction` AS
SELECT
  ${taken.Transaction},
  COALESCE(`win_price`, `bid_price`) AS `win_price`,
  `imp_at` IS NOT NULL AS `won`,
  `click_at` IS NOT NULL AS `clicked`,
  `bid_at`,
  `imp_at` AS `won_at`,
  `click_at` AS `clicked_at`
FROM closed
