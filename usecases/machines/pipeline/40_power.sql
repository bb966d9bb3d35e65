-- What does each machine deliver?
-- Shows: a record derived from the join.
-- Of final pairs of the join `power` alone, so nothing is taken back.
CREATE TEMPORARY VIEW power_sample AS
SELECT
  `subject` AS `thing`,
  `mean_time` AS `occurred_at`,
  PI() / 30 * `r_value` * `s_value` AS `power`,
  `r_time`,
  `s_time`
FROM paired
WHERE `join_name` = 'power' AND `status` = 'final'
