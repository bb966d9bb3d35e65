-- How many rides has each zone in each bucket, and what did they bring?
-- Shows: a sum of decimals, exact in every order of arrival.
-- A sum of DOUBLE would depend on the order.
CREATE TEMPORARY VIEW zones AS
SELECT
  `zone`,
  ${bucket} AS `period`,
  COUNT(*) AS `rides`,
  CAST(SUM(CAST(`fare` AS DECIMAL(38, 6))) AS DOUBLE) AS `fares`,
  COUNT(*) AS `version`
FROM drive
GROUP BY `zone`, ${bucket}
