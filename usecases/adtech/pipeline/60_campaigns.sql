-- How many bids, impressions and clicks has each campaign in each bucket, and what did it spend?
-- Shows: an updating aggregation whose version, the records counted, only grows.
-- A record counts in the bucket of its own time, in whole periods since the epoch.
CREATE TEMPORARY VIEW campaigns AS
SELECT
  `campaign_item_id`,
  `period`,
  COUNT(*) FILTER (WHERE `type` = 'bid') AS `bids`,
  COUNT(*) FILTER (WHERE `type` = 'imp') AS `impressions`,
  COUNT(*) FILTER (WHERE `type` = 'click') AS `clicks`,
  COALESCE(SUM(`win_price`) FILTER (WHERE `type` = 'imp'), 0) AS `spend`,
  COUNT(*) AS `version`
FROM (
  SELECT
    *,
    EXTRACT(EPOCH FROM CAST(`occurred_at` AS TIMESTAMP(3)))
      / ${aggregation_period_seconds} * ${aggregation_period_seconds} AS `period`
  FROM outcomes
  WHERE `outcome` = 'matched')
GROUP BY `campaign_item_id`, `period`
