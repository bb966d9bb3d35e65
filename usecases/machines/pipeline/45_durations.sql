-- How long does a machine deliver what it delivers?
-- Shows: the port of durations: until the next measurement, and the join's `distance` at most.
-- Once for each final pair that was ever the newest one.
CREATE TEMPORARY TABLE lasted (
  `subject` STRING,
  `r_time` TIMESTAMP_LTZ(3),
  `r_value` DOUBLE,
  `s_time` TIMESTAMP_LTZ(3),
  `s_value` DOUBLE,
  `mean_time` TIMESTAMP_LTZ(3),
  `lasting` BIGINT,
  `join_name` STRING
) WITH (
  'connector' = 'series-join',
  'name' = '${use_case}-joins',
  'port' = 'durations'
);
CREATE TEMPORARY VIEW contribution AS
SELECT `thing`, `occurred_at`, `power`, `r_time`, `s_time`, TRUE AS `counts`, CAST(0 AS BIGINT) AS `lasting`
FROM power_sample
UNION ALL
SELECT
  `subject`,
  `mean_time`,
  PI() / 30 * `r_value` * `s_value`,
  `r_time`,
  `s_time`,
  FALSE,
  `lasting`
FROM lasted
WHERE `join_name` = 'power'
