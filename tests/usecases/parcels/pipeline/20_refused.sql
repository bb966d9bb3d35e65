-- Which steps do not count, and why?
-- Shows: the port of what was refused.
-- They become dead letters.
CREATE TEMPORARY TABLE refused (
  ${events},
  `outcome` STRING,
  `detail` STRING
) WITH (
  'connector' = 'correlate',
  'name' = '${use_case}-correlate',
  'port' = 'refused'
)
