-- How much does each machine deliver in each bucket, what last, and how long in which load band?
-- Shows: sums of decimals, extremes and the newest value, in every order of arrival.
-- A value counts, and lasts, in the bucket of its own time; extremes are the same in both rows.
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
  `version`
FROM (
  SELECT
    `thing`,
    ${bucket} AS `period`,
    COUNT(*) AS `version`,
    COUNT(*) FILTER (WHERE `counts`) AS `count`,
    COALESCE(
      CAST(SUM(CAST(`power` AS DECIMAL(38, 6))) FILTER (WHERE `counts`) AS DOUBLE), 0
    ) AS `total`,
    MIN(`power`) AS `minimum`,
    MAX(`power`) AS `maximum`,
    MAX(
      DATE_FORMAT(`occurred_at`, 'yyyyMMddHHmmssSSS')
      || DATE_FORMAT(`r_time`, 'yyyyMMddHHmmssSSS')
      || DATE_FORMAT(`s_time`, 'yyyyMMddHHmmssSSS')
      || '|' || CAST(`power` AS STRING)
    ) AS `latest`,
    SUM(IF(`load` < 0.2, `lasting`, 0)) AS `load_1`,
    SUM(IF(`load` >= 0.2 AND `load` < 0.4, `lasting`, 0)) AS `load_2`,
    SUM(IF(`load` >= 0.4 AND `load` < 0.6, `lasting`, 0)) AS `load_3`,
    SUM(IF(`load` >= 0.6 AND `load` < 0.8, `lasting`, 0)) AS `load_4`,
    SUM(IF(`load` >= 0.8, `lasting`, 0)) AS `load_5`
  FROM (SELECT *, ABS(`power`) / ${RatedPower} AS `load` FROM contribution)
  GROUP BY `thing`, ${bucket}
)
