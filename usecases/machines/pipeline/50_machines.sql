-- How much does each machine deliver in each bucket, what last, and in which load bands?
-- Shows: sums of decimals, extremes and the newest value, in every order of arrival.
-- A value counts in the bucket of its own time.
CREATE TEMPORARY VIEW machines AS
SELECT
  `thing`,
  `period`,
  `count`,
  `total`,
  `minimum`,
  `maximum`,
  CAST(SPLIT_INDEX(`latest`, '|', 1) AS DOUBLE) AS `last`,
  `load_1`,
  `load_2`,
  `load_3`,
  `load_4`,
  `load_5`,
  `count` AS `version`
FROM (
  SELECT
    `thing`,
    ${bucket} AS `period`,
    COUNT(*) AS `count`,
    CAST(SUM(CAST(`power` AS DECIMAL(38, 6))) AS DOUBLE) AS `total`,
    MIN(`power`) AS `minimum`,
    MAX(`power`) AS `maximum`,
    MAX(
      DATE_FORMAT(`occurred_at`, 'yyyyMMddHHmmssSSS')
      || DATE_FORMAT(`r_time`, 'yyyyMMddHHmmssSSS')
      || DATE_FORMAT(`s_time`, 'yyyyMMddHHmmssSSS')
      || '|' || CAST(`power` AS STRING)
    ) AS `latest`,
    COUNT(*) FILTER (WHERE `load` < 0.2) AS `load_1`,
    COUNT(*) FILTER (WHERE `load` >= 0.2 AND `load` < 0.4) AS `load_2`,
    COUNT(*) FILTER (WHERE `load` >= 0.4 AND `load` < 0.6) AS `load_3`,
    COUNT(*) FILTER (WHERE `load` >= 0.6 AND `load` < 0.8) AS `load_4`,
    COUNT(*) FILTER (WHERE `load` >= 0.8) AS `load_5`
  FROM (SELECT *, ABS(`power`) / ${RatedPower} AS `load` FROM power_sample)
  GROUP BY `thing`, ${bucket}
)
