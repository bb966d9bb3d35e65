-- What followed from the business events of each kind in each bucket?
-- Shows: a report of decisions; one that leads to an action names it.
-- A decision counts in the bucket of its business event, whenever it is made.
CREATE TEMPORARY VIEW reactions AS
SELECT
  `kind`,
  ${bucket} AS `period`,
  COUNT(*) AS `decisions`,
  COUNT(*) FILTER (WHERE `passed`) AS `passed`,
  COUNT(`action_id`) AS `actions`,
  COUNT(*) AS `version`
FROM decision
GROUP BY `kind`, ${bucket}
