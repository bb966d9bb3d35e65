-- How many business events of each kind are there in each bucket?
-- Shows: a report of what was found.
-- One counts in the bucket of its own time.
CREATE TEMPORARY VIEW kinds AS
SELECT
  `kind`,
  ${bucket} AS `period`,
  COUNT(*) AS `found`,
  COUNT(*) AS `version`
FROM business_event
GROUP BY `kind`, ${bucket}
