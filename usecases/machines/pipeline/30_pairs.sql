-- Which pairs are there?
-- Shows: the port of pairs, which is a record as it is.
-- A pair is final once.
CREATE TEMPORARY TABLE paired (
  `subject` STRING,
  `r_series` STRING,
  `r_time` TIMESTAMP_LTZ(3),
  `r_value` DOUBLE,
  `s_series` STRING,
  `s_time` TIMESTAMP_LTZ(3),
  `s_value` DOUBLE,
  `mean_time` TIMESTAMP_LTZ(3),
  `status` STRING,
  `join_name` STRING,
  `join_version` BIGINT
) WITH (
  'connector' = 'series-join',
  'name' = '${use_case}-joins',
  'port' = 'pairs'
);
CREATE TEMPORARY VIEW pair AS
SELECT
  `subject` AS `thing`,
  `r_series` AS `r_quantity`,
  `r_time`,
  `r_value` AS `r_result`,
  `s_series` AS `s_quantity`,
  `s_time`,
  `s_value` AS `s_result`,
  `status`,
  `join_name`,
  `join_version`
FROM paired
