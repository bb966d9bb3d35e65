-- Which offers were taken?
-- Shows: the action of a decision and the answer to it, joined as the stages of one key.
-- An offer without an answer is a row to learn from too, when AnswerWindow is over.
CREATE TEMPORARY TABLE answers (
  `type` STRING,
  `event_id` STRING,
  `occurred_at` TIMESTAMP_LTZ(3),
  `received_at` TIMESTAMP_LTZ(3),
  `business_event_id` STRING,
  `kind` STRING,
  `action` STRING,
  `segment` STRING,
  `age` BIGINT,
  `balance` DOUBLE,
  `average_monthly_expenditures` DOUBLE,
  `score` DOUBLE,
  `model_version` STRING,
  `shard_id` STRING,
  `sequence_number` STRING,
  `arrival_timestamp` TIMESTAMP_LTZ(3),
  `data` BYTES
) WITH (
  'connector' = 'correlate',
  'name' = '${use_case}-offers',
  ${envelope},
  'key' = 'business_event_id',
  'stages' = 'offer,acceptance',
  'window' = '${AnswerWindow.ms} ms',
  'lateness' = '${WatermarkDelay.ms} ms'
)
