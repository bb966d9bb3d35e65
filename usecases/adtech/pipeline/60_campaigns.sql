-- How many bids, impressions and clicks has each campaign in each bucket, and what did it spend?
-- Shows: an updating aggregation of partial counts; its version, the records counted, only grows.
-- A record counts in the bucket of its own time, in whole periods since the epoch.
-- A sum beyond 64 bits stays at the greatest number; BIGINT alone would go on below zero.
CREATE TEMPORARY TABLE counted (
  `campaign_item_id` BIGINT,
  `period` BIGINT,
  `bid` BIGINT,
  `imp` BIGINT,
  `click` BIGINT,
  `sum` BIGINT,
  `records` BIGINT
) WITH (
  'connector' = 'correlate',
  'name' = '${use_case}-correlate',
  'port' = 'counts'
);
CREATE TEMPORARY VIEW campaigns AS
SELECT
  `campaign_item_id`,
  `period`,
  SUM(`bid`) AS `bids`,
  SUM(`imp`) AS `impressions`,
  SUM(`click`) AS `clicks`,
  CASE
    WHEN SUM(CAST(`sum` AS DOUBLE)) >= 9.2E18 THEN 9223372036854775807
    ELSE SUM(`sum`)
  END AS `spend`,
  SUM(`records`) AS `version`
FROM counted
GROUP BY `campaign_item_id`, `period`
