-- Which was the last ride of each zone in each bucket?
-- Shows: a state instead of a count: the row with the greatest time, whatever came when.
-- Of two at one time the one with the greater name is the last.
CREATE TEMPORARY VIEW fares AS
SELECT
  `zone`,
  `period`,
  CAST(SPLIT_INDEX(`last`, '|', 2) AS DOUBLE) AS `fare`,
  SPLIT_INDEX(`last`, '|', 1) AS `ride`,
  `version`
FROM (
  SELECT
    `zone`,
    ${bucket} AS `period`,
    MAX(
      DATE_FORMAT(`occurred_at`, 'yyyyMMddHHmmssSSS') || '|' || `ride` || '|' || CAST(`fare` AS STRING)
    ) AS `last`,
    COUNT(*) AS `version`
  FROM drive
  GROUP BY `zone`, ${bucket}
)
