-- What was offered to whom, and what became of it?
-- Shows: the port of actions with what each was scored from, beside events, in another operator.
-- So a model learns from what its decision saw, and not from a second join of events and profiles.
CREATE TEMPORARY TABLE offered (
  `id` STRING,
  `kind` STRING,
  `score` DOUBLE,
  `model_version` STRING,
  `business_event_id` STRING,
  `occurred_at` TIMESTAMP_LTZ(3),
  `event_balance` DOUBLE,
  `profile_age` BIGINT,
  `profile_segment` STRING,
  `profile_average_monthly_expenditures` DOUBLE,
  `template` STRING
) WITH (
  'connector' = 'decisions',
  'name' = '${use_case}-decisions',
  'port' = 'actions'
);
INSERT INTO answers
SELECT
  'offer' AS `type`,
  `id` AS `event_id`,
  `occurred_at`,
  CAST(NULL AS TIMESTAMP_LTZ(3)) AS `received_at`,
  `business_event_id`,
  `kind`,
  `template` AS `action`,
  `profile_segment` AS `segment`,
  `profile_age` AS `age`,
  `event_balance` AS `balance`,
  `profile_average_monthly_expenditures` AS `average_monthly_expenditures`,
  `score`,
  `model_version`,
  CAST(NULL AS STRING) AS `shard_id`,
  CAST(NULL AS STRING) AS `sequence_number`,
  CAST(NULL AS TIMESTAMP_LTZ(3)) AS `arrival_timestamp`,
  CAST(NULL AS BYTES) AS `data`
FROM offered
UNION ALL
SELECT
  `type`,
  `event_id`,
  `occurred_at`,
  `received_at`,
  `business_event_id`,
  CAST(NULL AS STRING) AS `kind`,
  CAST(NULL AS STRING) AS `action`,
  CAST(NULL AS STRING) AS `segment`,
  CAST(NULL AS BIGINT) AS `age`,
  CAST(NULL AS DOUBLE) AS `balance`,
  CAST(NULL AS DOUBLE) AS `average_monthly_expenditures`,
  CAST(NULL AS DOUBLE) AS `score`,
  CAST(NULL AS STRING) AS `model_version`,
  `shard_id`,
  `sequence_number`,
  `arrival_timestamp`,
  `data`
FROM decoded
WHERE `type` = 'acceptance';
CREATE TEMPORARY TABLE answered (
  `business_event_id` STRING,
  `kind` STRING,
  `action` STRING,
  `segment` STRING,
  `age` BIGINT,
  `balance` DOUBLE,
  `average_monthly_expenditures` DOUBLE,
  `score` DOUBLE,
  `model_version` STRING,
  `offer_at` TIMESTAMP_LTZ(3),
  `acceptance_at` TIMESTAMP_LTZ(3)
) WITH (
  'connector' = 'correlate',
  'name' = '${use_case}-offers',
  'port' = 'closed'
);
CREATE TEMPORARY VIEW offer AS
SELECT
  `business_event_id`,
  `kind`,
  `action`,
  `segment`,
  `age`,
  `balance`,
  `average_monthly_expenditures`,
  `score`,
  `model_version`,
  `offer_at` AS `offered_at`,
  `acceptance_at` IS NOT NULL AS `accepted`,
  `acceptance_at` AS `accepted_at`
FROM answered
