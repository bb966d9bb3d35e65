-- Which events take no part in the patterns, and why?
-- Shows: the ports of what was refused, and a condition of the use case's own.
-- They become dead letters. A late debit has changed the balance all the same, a late profile holds.
CREATE TEMPORARY TABLE cards_refused (
  ${origin_columns},
  `outcome` STRING,
  `detail` STRING
) WITH (
  'connector' = 'patterns',
  'name' = '${use_case}-cards',
  'port' = 'refused'
);
CREATE TEMPORARY TABLE sessions_refused (
  ${origin_columns},
  `outcome` STRING,
  `detail` STRING
) WITH (
  'connector' = 'patterns',
  'name' = '${use_case}-sessions',
  'port' = 'refused'
);
CREATE TEMPORARY TABLE deciding_refused (
  ${events},
  `kind` STRING,
  `outcome` STRING,
  `detail` STRING
) WITH (
  'connector' = 'decisions',
  'name' = '${use_case}-decisions',
  'port' = 'refused'
);
CREATE TEMPORARY TABLE answers_refused (
  `type` STRING,
  `event_id` STRING,
  `occurred_at` TIMESTAMP_LTZ(3),
  `received_at` TIMESTAMP_LTZ(3),
  `shard_id` STRING,
  `sequence_number` STRING,
  `arrival_timestamp` TIMESTAMP_LTZ(3),
  `data` BYTES,
  `outcome` STRING,
  `detail` STRING
) WITH (
  'connector' = 'correlate',
  'name' = '${use_case}-offers',
  'port' = 'refused'
);
CREATE TEMPORARY VIEW refused AS
SELECT ${origin}, `outcome`, `detail`
FROM cards_refused
UNION ALL
SELECT ${origin}, `outcome`, `detail`
FROM sessions_refused
UNION ALL
SELECT ${origin}, `outcome`, `detail`
FROM deciding_refused
WHERE `kind` IS NULL
UNION ALL
SELECT ${origin}, `outcome`, `detail`
FROM answers_refused
WHERE `type` = 'acceptance'
UNION ALL
SELECT ${origin}, 'filtered' AS `outcome`, 'acc_num is 0, which is no account' AS `detail`
FROM decoded
WHERE `type` = 'transaction' AND `acc_num` = 0
