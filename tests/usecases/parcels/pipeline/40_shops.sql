-- How many parcels were ordered from each shop, and how many were sent?
-- Shows: a report of the correlation's partial counts.
-- A step counts in the bucket of its own time.
CREATE TEMPORARY TABLE counted (
  `shop` BIGINT,
  `period` BIGINT,
  `ordered` BIGINT,
  `sent` BIGINT,
  `sum` BIGINT,
  `records` BIGINT
) WITH (
  'connector' = 'correlate',
  'name' = '${use_case}-correlate',
  'port' = 'counts'
);
CREATE TEMPORARY VIEW shops AS
SELECT
  `shop`,
  `period`,
  SUM(`ordered`) AS `ordered`,
  SUM(`sent`) AS `sent`,
  SUM(`sum`) AS `turnover`,
  SUM(`records`) AS `version`
FROM counted
GROUP BY `shop`, `period`
