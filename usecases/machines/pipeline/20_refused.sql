-- Which measurements take no part, and why?
-- Shows: the port of what was refused.
-- They become dead letters.
CREATE TEMPORARY TABLE refused (
  ${events},
  `outcome` STRING,
  `detail` STRING
) WITH (
  'connector' = 'series-join',
  'name' = '${use_case}-joins',
  'port' = 'refused'
)
