-- What was bid in each auction, what became of it, and how likely was it to be won?
-- Shows: one row for each key that closed, when the watermark has passed it, and the score of it.
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
CREATE TEMPORARY TABLE scoring (
  ${typed.Transaction},
  `win_price` BIGINT,
  `bid_at` TIMESTAMP_LTZ(3),
  `imp_at` TIMESTAMP_LTZ(3),
  `click_at` TIMESTAMP_LTZ(3)
) WITH (
  'connector' = 'scores',
  'name' = '${use_case}-scores',
  'time' = 'bid_at',
  ${definitions}
);
INSERT INTO scoring
SELECT ${taken.Transaction}, `win_price`, `bid_at`, `imp_at`, `click_at`
FROM closed;
CREATE TEMPORARY TABLE scored (
  ${typed.Transaction},
  `win_price` BIGINT,
  `bid_at` TIMESTAMP_LTZ(3),
  `imp_at` TIMESTAMP_LTZ(3),
  `click_at` TIMESTAMP_LTZ(3),
  `score` DOUBLE,
  `model_version` STRING
) WITH (
  'connector' = 'scores',
  'name' = '${use_case}-scores',
  'port' = 'scored'
);
CREATE TEMPORARY VIEW `transaction` AS
SELECT
  ${taken.Transaction},
  COALESCE(`win_price`, `bid_price`) AS `win_price`,
  `imp_at` IS NOT NULL AS `won`,
  `click_at` IS NOT NULL AS `clicked`,
  `bid_at`,
  `imp_at` AS `won_at`,
  `click_at` AS `clicked_at`,
  `score` AS `win_probability`,
  `model_version`
FROM scored
