-- How many bids, impressions and clicks has each campaign in each bucket, and what did it spend?
-- Shows: an updating aggregation whose version, the records counted, only grows.
-- A record counts in the bucket of its own time, in whole periods since the epoch.
-- A sum beyond 64 bits stays at the greatest number; BIGINT alone would go on below zero.
CREATE TEMPORARY VIEW campaigns AS
SELECT
  `campaign_item_id`,
  `period`,
  COUNT(*) FILTER (WHERE `type` = 'bid') AS `bids`,
  COUNT(*) FILTER (WHERE `type` = 'imp') AS `impressions`,
  COUNT(*) FILTER (WHERE `type` = 'click') AS `clicks`,
  CASE
    WHEN SUM(CAST(`win_price` AS DOUBLE)) FILTER (WHERE `type` = 'imp') >= 9.2E18
      THEN 9223372036854775807
    ELSE COALESCE(SUM(`win_price`) FILTER (WHERE `type` = 'imp'), 0)
  END AS `spend`,
  COUNT(*) AS `version`
FROM (
  SELECT
    *,
    EXTRACT(EPOCH FROM CAST(`occurred_at` AS TIMESTAMP(3)))
      / ${aggregation_period_seconds} * ${aggregation_period_seconds} AS `period`
  FROM outcomes
  WHERE `outcome` = 'matched')
GROUP BY `campaign_item_id`, `period`
