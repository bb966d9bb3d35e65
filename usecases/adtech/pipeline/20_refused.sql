-- Which records are not counted, and why?
-- Shows: the port with what was refused, which becomes the dead letters.
-- Late, duplicate, unmatched and malformed records, as they came.
CREATE TEMPORARY TABLE refused (
  ${events},
  `outcome` STRING,
  `detail` STRING
) WITH (
  'connector' = 'correlate',
  'name' = '${use_case}-correlate',
  'port' = 'refused'
)
