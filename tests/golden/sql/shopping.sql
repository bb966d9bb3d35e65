CREATE DATABASE IF NOT EXISTS `shopping`;

USE `shopping`;

CREATE TEMPORARY TABLE `activity` (
  `type` STRING,
  `event_id` STRING,
  `occurred_at` TIMESTAMP_LTZ(3),
  `received_at` TIMESTAMP_LTZ(3),
  `card_id` STRING,
  `acc_num` BIGINT,
  `amount` DOUBLE,
  `balance` DOUBLE,
  `customer_id` STRING,
  `age` BIGINT,
  `segment` STRING,
  `rating` STRING,
  `budget` STRING,
  `credit_card` STRING,
  `average_monthly_expenditures` DOUBLE,
  `address` STRING,
  `email` STRING,
  `time_zone` STRING,
  `session_id` STRING,
  `page` STRING,
  `business_event_id` STRING,
  `shard_id` STRING METADATA FROM 'shard-id' VIRTUAL,
  `sequence_number` STRING METADATA FROM 'sequence-number' VIRTUAL,
  `arrival_timestamp` TIMESTAMP_LTZ(3) METADATA FROM 'arrival-timestamp' VIRTUAL,
  `data` BYTES METADATA FROM 'data' VIRTUAL,
  `event_time` AS CASE WHEN `occurred_at` IS NULL
    OR `occurred_at` > COALESCE(`arrival_timestamp`, `received_at`) + INTERVAL '5:10' MINUTE TO SECOND
    THEN TO_TIMESTAMP_LTZ(0, 3) ELSE `occurred_at` END,
  WATERMARK FOR `event_time` AS `event_time` - INTERVAL '0 00:00:05' DAY(3) TO SECOND
) WITH (
  'connector' = 'kinesis',
  'stream.arn' = 'arn:aws:kinesis:eu-west-1:000000000000:stream/sdp-shopping-activity',
  'aws.region' = 'eu-west-1',
  'source.init.position' = 'TRIM_HORIZON',
  'source.record.max-bytes' = '262144',
  'format' = 'sdp-json'
);

CREATE TEMPORARY TABLE `business_events` (
  `id` STRING,
  `kind` STRING,
  `subject` STRING,
  `occurred_at` TIMESTAMP_LTZ(3),
  `balance` DOUBLE,
  `count` BIGINT,
  `deviation` DOUBLE,
  `customer_id` STRING,
  `causes` STRING,
  `trace_id` STRING
) PARTITIONED BY (`subject`) WITH (
  'connector' = 'kinesis',
  'stream.arn' = 'arn:aws:kinesis:eu-west-1:000000000000:stream/sdp-shopping-business-events',
  'aws.region' = 'eu-west-1',
  'sink.flush-buffer.timeout' = '100',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601',
  'json.encode.ignore-null-fields' = 'true'
);

CREATE TEMPORARY TABLE `decisions` (
  `id` STRING,
  `business_event_id` STRING,
  `kind` STRING,
  `subject` STRING,
  `customer_id` STRING,
  `occurred_at` TIMESTAMP_LTZ(3),
  `passed` BOOLEAN,
  `rules` STRING,
  `score` DOUBLE,
  `model_version` STRING,
  `action_id` STRING,
  `profile_id` STRING,
  `detail` STRING,
  `trace_id` STRING
) PARTITIONED BY (`subject`) WITH (
  'connector' = 'kinesis',
  'stream.arn' = 'arn:aws:kinesis:eu-west-1:000000000000:stream/sdp-shopping-decisions',
  'aws.region' = 'eu-west-1',
  'sink.flush-buffer.timeout' = '100',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601',
  'json.encode.ignore-null-fields' = 'true'
);

CREATE TEMPORARY TABLE `actions` (
  `id` STRING,
  `kind` STRING,
  `subject` STRING,
  `customer_id` STRING,
  `time_zone` STRING,
  `channel` STRING,
  `title` STRING,
  `message` STRING,
  `score` DOUBLE,
  `rule` STRING,
  `rule_version` BIGINT,
  `template_version` BIGINT,
  `model_version` STRING,
  `business_event_id` STRING,
  `occurred_at` TIMESTAMP_LTZ(3),
  `trace_id` STRING
) PARTITIONED BY (`subject`) WITH (
  'connector' = 'kinesis',
  'stream.arn' = 'arn:aws:kinesis:eu-west-1:000000000000:stream/sdp-shopping-actions',
  'aws.region' = 'eu-west-1',
  'sink.flush-buffer.timeout' = '100',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601',
  'json.encode.ignore-null-fields' = 'true'
);

CREATE TEMPORARY TABLE `offers` (
  `business_event_id` STRING,
  `kind` STRING,
  `action` STRING,
  `segment` STRING,
  `age` BIGINT,
  `balance` DOUBLE,
  `average_monthly_expenditures` DOUBLE,
  `score` DOUBLE,
  `model_version` STRING,
  `offered_at` TIMESTAMP_LTZ(3),
  `accepted` BOOLEAN,
  `accepted_at` TIMESTAMP_LTZ(3)
) PARTITIONED BY (`business_event_id`) WITH (
  'connector' = 'kinesis',
  'stream.arn' = 'arn:aws:kinesis:eu-west-1:000000000000:stream/sdp-shopping-offers',
  'aws.region' = 'eu-west-1',
  'sink.flush-buffer.timeout' = '100',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601',
  'json.encode.ignore-null-fields' = 'true'
);

CREATE TEMPORARY TABLE `aggregates` (
  `kind` STRING,
  `period` BIGINT,
  `found` BIGINT,
  `version` BIGINT,
  `generation` BIGINT
) PARTITIONED BY (`kind`) WITH (
  'connector' = 'kinesis',
  'stream.arn' = 'arn:aws:kinesis:eu-west-1:000000000000:stream/sdp-shopping-aggregates',
  'aws.region' = 'eu-west-1',
  'sink.flush-buffer.timeout' = '100',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601',
  'json.encode.ignore-null-fields' = 'true'
);

CREATE TEMPORARY TABLE `reaction_counts` (
  `kind` STRING,
  `period` BIGINT,
  `decisions` BIGINT,
  `passed` BIGINT,
  `actions` BIGINT,
  `version` BIGINT,
  `generation` BIGINT
) PARTITIONED BY (`kind`) WITH (
  'connector' = 'kinesis',
  'stream.arn' = 'arn:aws:kinesis:eu-west-1:000000000000:stream/sdp-shopping-reaction-counts',
  'aws.region' = 'eu-west-1',
  'sink.flush-buffer.timeout' = '100',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601',
  'json.encode.ignore-null-fields' = 'true'
);

CREATE TEMPORARY TABLE `progress` (
  `use_case` STRING,
  `watermark` TIMESTAMP_LTZ(3),
  `heartbeat_at` TIMESTAMP_LTZ(3)
) PARTITIONED BY (`use_case`) WITH (
  'connector' = 'kinesis',
  'stream.arn' = 'arn:aws:kinesis:eu-west-1:000000000000:stream/sdp-shopping-progress',
  'aws.region' = 'eu-west-1',
  'sink.flush-buffer.timeout' = '100',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601',
  'json.encode.ignore-null-fields' = 'true'
);

CREATE TEMPORARY TABLE `dead_letters` (
  `id` STRING,
  `use_case` STRING,
  `stage` STRING,
  `reason` STRING,
  `detail` STRING,
  `field` STRING,
  `payload` BYTES,
  `encoding` STRING,
  `event_id` STRING,
  `occurred_at` TIMESTAMP_LTZ(3),
  `failed_at` TIMESTAMP_LTZ(3),
  `source` ROW<`stream` STRING, `shard` STRING, `sequence_number` STRING>
) PARTITIONED BY (`id`) WITH (
  'connector' = 'kinesis',
  'stream.arn' = 'arn:aws:kinesis:eu-west-1:000000000000:stream/sdp-shopping-dead-letters',
  'aws.region' = 'eu-west-1',
  'sink.flush-buffer.timeout' = '100',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601',
  'json.encode.ignore-null-fields' = 'true'
);

CREATE TEMPORARY VIEW `checked` AS
SELECT * FROM VALIDATE(
  input => TABLE `activity`,
  types => 'transaction,balance,customer,page-view,acceptance',
  ignored => 'heartbeat',
  checks => '* occurred_at ahead 310000 is in the future of its arrival
* type missing - is missing: the record cannot be decoded, has no type or is larger than 262144 bytes
* type unknown - is not one of the types of this stream
* event_id required - is required
* event_id min-length 1 is shorter than 1
* event_id max-length 128 is longer than 128
* occurred_at required - is required
transaction card_id required - is required
transaction card_id min-length 1 is shorter than 1
transaction card_id max-length 128 is longer than 128
transaction acc_num required - is required
transaction acc_num min 0 is less than 0
transaction amount required - is required
transaction amount min -1000000000.0 is less than -1000000000.0
transaction amount max 1000000000.0 is greater than 1000000000.0
balance card_id required - is required
balance card_id min-length 1 is shorter than 1
balance card_id max-length 128 is longer than 128
balance balance required - is required
balance balance min -1000000000.0 is less than -1000000000.0
balance balance max 1000000000.0 is greater than 1000000000.0
customer customer_id required - is required
customer customer_id min-length 1 is shorter than 1
customer customer_id max-length 128 is longer than 128
customer card_id max-length 128 is longer than 128
customer acc_num min 0 is less than 0
customer age min 0 is less than 0
customer age max 150 is greater than 150
customer segment max-length 64 is longer than 64
customer rating max-length 64 is longer than 64
customer budget max-length 64 is longer than 64
customer credit_card max-length 64 is longer than 64
customer average_monthly_expenditures min 0.0 is less than 0.0
customer average_monthly_expenditures max 1000000000.0 is greater than 1000000000.0
customer address max-length 512 is longer than 512
customer email max-length 256 is longer than 256
customer time_zone max-length 64 is longer than 64
page-view session_id required - is required
page-view session_id min-length 1 is shorter than 1
page-view session_id max-length 128 is longer than 128
page-view page required - is required
page-view page min-length 1 is shorter than 1
page-view page max-length 256 is longer than 256
page-view customer_id max-length 128 is longer than 128
acceptance business_event_id required - is required
acceptance business_event_id min-length 1 is shorter than 1
acceptance business_event_id max-length 512 is longer than 512');

CREATE TEMPORARY VIEW `decoded` AS
SELECT * FROM `checked`
WHERE `violation` IS NULL AND `type` <> 'heartbeat';

CREATE TEMPORARY TABLE cards (
  `type` STRING,
  `event_id` STRING,
  `occurred_at` TIMESTAMP_LTZ(3),
  `received_at` TIMESTAMP_LTZ(3),
  `shard_id` STRING,
  `sequence_number` STRING,
  `arrival_timestamp` TIMESTAMP_LTZ(3),
  `data` BYTES,
  `card_id` STRING,
  `amount` DOUBLE,
  `balance` DOUBLE
) WITH (
  'connector' = 'patterns',
  'name' = 'shopping-cards',
  'key' = 'card_id',
  'id' = 'event_id',
  'time' = 'occurred_at',
  'data' = 'data',
  'received' = 'received_at',
  'amount' = 'amount',
  'level' = 'balance',
  'remember' = '0 ms',
  'kinds' = 'shopping,spending_anomaly',
  'shopping.pattern' = 'count-in-window',
  'shopping.window' = '4500000 ms',
  'shopping.count' = '5',
  'shopping.below' = '200',
  'shopping.cool-down' = '0 ms',
  'shopping.keep' = '7776000000 ms',
  'spending_anomaly.pattern' = 'anomaly',
  'spending_anomaly.half-life' = '604800000 ms',
  'spending_anomaly.deviations' = '4',
  'spending_anomaly.min-count' = '10'
);

CREATE TEMPORARY TABLE sessions (
  `type` STRING,
  `event_id` STRING,
  `occurred_at` TIMESTAMP_LTZ(3),
  `received_at` TIMESTAMP_LTZ(3),
  `shard_id` STRING,
  `sequence_number` STRING,
  `arrival_timestamp` TIMESTAMP_LTZ(3),
  `data` BYTES,
  `session_id` STRING,
  `customer_id` STRING,
  `step` STRING
) WITH (
  'connector' = 'patterns',
  'name' = 'shopping-sessions',
  'key' = 'session_id',
  'id' = 'event_id',
  'time' = 'occurred_at',
  'data' = 'data',
  'received' = 'received_at',
  'step' = 'step',
  'steps' = 'first,second,last',
  'carry' = 'customer_id',
  'kinds' = 'stuck_in_form',
  'stuck_in_form.pattern' = 'missing-step',
  'stuck_in_form.timeout' = '1800000 ms'
);

CREATE TEMPORARY TABLE deciding (
  `type` STRING,
  `event_id` STRING,
  `occurred_at` TIMESTAMP_LTZ(3),
  `received_at` TIMESTAMP_LTZ(3),
  `card_id` STRING,
  `acc_num` BIGINT,
  `amount` DOUBLE,
  `balance` DOUBLE,
  `customer_id` STRING,
  `age` BIGINT,
  `segment` STRING,
  `rating` STRING,
  `budget` STRING,
  `credit_card` STRING,
  `average_monthly_expenditures` DOUBLE,
  `address` STRING,
  `email` STRING,
  `time_zone` STRING,
  `session_id` STRING,
  `page` STRING,
  `business_event_id` STRING,
  `shard_id` STRING,
  `sequence_number` STRING,
  `arrival_timestamp` TIMESTAMP_LTZ(3),
  `data` BYTES,
  `key` STRING,
  `customer_key` STRING,
  `id` STRING,
  `at` TIMESTAMP_LTZ(3),
  `kind` STRING,
  `subject` STRING,
  `trace_id` STRING,
  `causes` STRING,
  `found_customer` STRING,
  `found_balance` DOUBLE,
  `count` BIGINT,
  `deviation` DOUBLE
) WITH (
  'connector' = 'decisions',
  'name' = 'shopping-decisions',
  'key' = 'key',
  'second-key' = 'customer_key',
  'id' = 'id',
  'time' = 'at',
  'data' = 'data',
  'received' = 'received_at',
  'kind' = 'kind',
  'subject' = 'subject',
  'trace' = 'trace_id',
  'event' = 'customer_id=found_customer,balance=found_balance,count,deviation,causes',
  'profile' = 'customer_id,card_id,acc_num,age,segment,rating,budget,credit_card,average_monthly_expenditures,address,email,time_zone',
  'definitions.table' = 'sdp-shopping-definitions',
  'aws.region' = 'eu-west-1'
);

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
  'name' = 'shopping-offers',
  'stage' = 'type',
  'ignored' = 'heartbeat',
  'time' = 'occurred_at',
  'arrival' = 'arrival_timestamp',
  'received' = 'received_at',
  'data' = 'data',
  'own' = 'event_id,occurred_at,received_at,shard_id,sequence_number,arrival_timestamp,data',
  'key' = 'business_event_id',
  'stages' = 'offer,acceptance',
  'window' = '86400000 ms',
  'lateness' = '5000 ms'
);

CREATE TEMPORARY TABLE cards_refused (
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
  'connector' = 'patterns',
  'name' = 'shopping-cards',
  'port' = 'refused'
);

CREATE TEMPORARY TABLE sessions_refused (
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
  'connector' = 'patterns',
  'name' = 'shopping-sessions',
  'port' = 'refused'
);

CREATE TEMPORARY TABLE deciding_refused (
  `type` STRING,
  `event_id` STRING,
  `occurred_at` TIMESTAMP_LTZ(3),
  `received_at` TIMESTAMP_LTZ(3),
  `card_id` STRING,
  `acc_num` BIGINT,
  `amount` DOUBLE,
  `balance` DOUBLE,
  `customer_id` STRING,
  `age` BIGINT,
  `segment` STRING,
  `rating` STRING,
  `budget` STRING,
  `credit_card` STRING,
  `average_monthly_expenditures` DOUBLE,
  `address` STRING,
  `email` STRING,
  `time_zone` STRING,
  `session_id` STRING,
  `page` STRING,
  `business_event_id` STRING,
  `shard_id` STRING,
  `sequence_number` STRING,
  `arrival_timestamp` TIMESTAMP_LTZ(3),
  `data` BYTES,
  `kind` STRING,
  `outcome` STRING,
  `detail` STRING
) WITH (
  'connector' = 'decisions',
  'name' = 'shopping-decisions',
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
  'name' = 'shopping-offers',
  'port' = 'refused'
);

CREATE TEMPORARY VIEW refused AS
SELECT `type`, `event_id`, `occurred_at`, `received_at`, `shard_id`, `sequence_number`, `arrival_timestamp`, `data`, `outcome`, `detail`
FROM cards_refused
UNION ALL
SELECT `type`, `event_id`, `occurred_at`, `received_at`, `shard_id`, `sequence_number`, `arrival_timestamp`, `data`, `outcome`, `detail`
FROM sessions_refused
UNION ALL
SELECT `type`, `event_id`, `occurred_at`, `received_at`, `shard_id`, `sequence_number`, `arrival_timestamp`, `data`, `outcome`, `detail`
FROM deciding_refused
WHERE `kind` IS NULL
UNION ALL
SELECT `type`, `event_id`, `occurred_at`, `received_at`, `shard_id`, `sequence_number`, `arrival_timestamp`, `data`, `outcome`, `detail`
FROM answers_refused
WHERE `type` = 'acceptance'
UNION ALL
SELECT `type`, `event_id`, `occurred_at`, `received_at`, `shard_id`, `sequence_number`, `arrival_timestamp`, `data`, 'filtered' AS `outcome`, 'acc_num is 0, which is no account' AS `detail`
FROM decoded
WHERE `type` = 'transaction' AND `acc_num` = 0;

CREATE TEMPORARY TABLE cards_found (
  `kind` STRING,
  `subject` STRING,
  `occurred_at` TIMESTAMP_LTZ(3),
  `event_id` STRING,
  `causes` ARRAY<STRING>,
  `count` BIGINT,
  `balance` DOUBLE,
  `deviation` DOUBLE
) WITH (
  'connector' = 'patterns',
  'name' = 'shopping-cards',
  'port' = 'found'
);

CREATE TEMPORARY TABLE sessions_found (
  `kind` STRING,
  `subject` STRING,
  `occurred_at` TIMESTAMP_LTZ(3),
  `event_id` STRING,
  `causes` ARRAY<STRING>,
  `count` BIGINT,
  `balance` DOUBLE,
  `deviation` DOUBLE,
  `carried` STRING
) WITH (
  'connector' = 'patterns',
  'name' = 'shopping-sessions',
  'port' = 'found'
);

CREATE TEMPORARY VIEW business_event AS
SELECT
  `kind` || ':' || `subject` || ':' || `event_id` AS `id`,
  `kind`,
  `subject`,
  `occurred_at`,
  `balance`,
  `count`,
  `deviation`,
  `customer_id`,
  JSON_STRING(`causes`) AS `causes`,
  `event_id` AS `trace_id`
FROM (
  SELECT *, CAST(NULL AS STRING) AS `customer_id` FROM cards_found
  UNION ALL
  SELECT * FROM sessions_found
);

CREATE TEMPORARY VIEW kinds AS
SELECT
  `kind`,
  (EXTRACT(EPOCH FROM `occurred_at`) - MOD(EXTRACT(EPOCH FROM `occurred_at`), 300)) AS `period`,
  COUNT(*) AS `found`,
  COUNT(*) AS `version`
FROM business_event
GROUP BY `kind`, (EXTRACT(EPOCH FROM `occurred_at`) - MOD(EXTRACT(EPOCH FROM `occurred_at`), 300));

CREATE TEMPORARY TABLE decision (
  `id` STRING,
  `business_event_id` STRING,
  `kind` STRING,
  `subject` STRING,
  `customer_id` STRING,
  `occurred_at` TIMESTAMP_LTZ(3),
  `passed` BOOLEAN,
  `rules` STRING,
  `score` DOUBLE,
  `model_version` STRING,
  `action_id` STRING,
  `profile_id` STRING,
  `detail` STRING,
  `trace_id` STRING
) WITH (
  'connector' = 'decisions',
  'name' = 'shopping-decisions',
  'port' = 'decisions'
);

CREATE TEMPORARY TABLE actions_decided (
  `id` STRING,
  `kind` STRING,
  `subject` STRING,
  `customer_id` STRING,
  `channel` STRING,
  `title` STRING,
  `message` STRING,
  `score` DOUBLE,
  `rule` STRING,
  `rule_version` BIGINT,
  `template_version` BIGINT,
  `model_version` STRING,
  `business_event_id` STRING,
  `occurred_at` TIMESTAMP_LTZ(3),
  `trace_id` STRING,
  `profile_time_zone` STRING
) WITH (
  'connector' = 'decisions',
  'name' = 'shopping-decisions',
  'port' = 'actions'
);

CREATE TEMPORARY VIEW action AS
SELECT *, `profile_time_zone` AS `time_zone`
FROM actions_decided;

CREATE TEMPORARY VIEW reactions AS
SELECT
  `kind`,
  (EXTRACT(EPOCH FROM `occurred_at`) - MOD(EXTRACT(EPOCH FROM `occurred_at`), 300)) AS `period`,
  COUNT(*) AS `decisions`,
  COUNT(*) FILTER (WHERE `passed`) AS `passed`,
  COUNT(`action_id`) AS `actions`,
  COUNT(*) AS `version`
FROM decision
GROUP BY `kind`, (EXTRACT(EPOCH FROM `occurred_at`) - MOD(EXTRACT(EPOCH FROM `occurred_at`), 300));

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
  'name' = 'shopping-decisions',
  'port' = 'actions'
);

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
  'name' = 'shopping-offers',
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
FROM answered;

CREATE TEMPORARY TABLE cards_outcomes (
  `minute` BIGINT,
  `read` BIGINT,
  `counted` BIGINT,
  `duplicate` BIGINT,
  `late` BIGINT,
  `unmatched` BIGINT,
  `malformed` BIGINT,
  `filtered` BIGINT,
  `redelivered` BIGINT
) WITH (
  'connector' = 'patterns',
  'name' = 'shopping-cards',
  'port' = 'ledger'
);

CREATE TEMPORARY TABLE sessions_outcomes (
  `minute` BIGINT,
  `read` BIGINT,
  `counted` BIGINT,
  `duplicate` BIGINT,
  `late` BIGINT,
  `unmatched` BIGINT,
  `malformed` BIGINT,
  `filtered` BIGINT,
  `redelivered` BIGINT
) WITH (
  'connector' = 'patterns',
  'name' = 'shopping-sessions',
  'port' = 'ledger'
);

CREATE TEMPORARY TABLE deciding_outcomes (
  `minute` BIGINT,
  `read` BIGINT,
  `counted` BIGINT,
  `duplicate` BIGINT,
  `late` BIGINT,
  `unmatched` BIGINT,
  `malformed` BIGINT,
  `filtered` BIGINT,
  `redelivered` BIGINT
) WITH (
  'connector' = 'decisions',
  'name' = 'shopping-decisions',
  'port' = 'ledger'
);

CREATE TEMPORARY TABLE answers_outcomes (
  `minute` BIGINT,
  `read` BIGINT,
  `counted` BIGINT,
  `duplicate` BIGINT,
  `late` BIGINT,
  `unmatched` BIGINT,
  `malformed` BIGINT,
  `filtered` BIGINT,
  `redelivered` BIGINT
) WITH (
  'connector' = 'correlate',
  'name' = 'shopping-offers',
  'port' = 'ledger'
);

CREATE TEMPORARY VIEW outcomes AS
SELECT * FROM cards_outcomes
UNION ALL
SELECT * FROM sessions_outcomes
UNION ALL
SELECT * FROM deciding_outcomes
UNION ALL
SELECT * FROM answers_outcomes;

CREATE TEMPORARY VIEW left_out AS
SELECT `type`, `event_id`, `occurred_at`, `received_at`, `shard_id`, `sequence_number`, `arrival_timestamp`, `data`
FROM decoded
WHERE
  `type` = 'transaction' AND `acc_num` = 0
  OR `type` = 'page-view' AND `page` NOT IN ('page1', 'page2', 'page3');

CREATE TEMPORARY VIEW `kinds_changelog` AS
SELECT * FROM TO_CHANGELOG(
  input => TABLE `kinds`,
  op => DESCRIPTOR(`op`),
  op_mapping => MAP['INSERT, UPDATE_AFTER', 'upsert', 'DELETE', 'delete']);

CREATE TEMPORARY VIEW `reactions_changelog` AS
SELECT * FROM TO_CHANGELOG(
  input => TABLE `reactions`,
  op => DESCRIPTOR(`op`),
  op_mapping => MAP['INSERT, UPDATE_AFTER', 'upsert', 'DELETE', 'delete']);

CREATE TEMPORARY VIEW `beats` AS
SELECT CAST(NULL AS TIMESTAMP_LTZ(3)) AS `heartbeat_at`
FROM `kinds_changelog` WHERE `op` = 'none'
UNION ALL
SELECT CAST(NULL AS TIMESTAMP_LTZ(3)) AS `heartbeat_at`
FROM `reactions_changelog` WHERE `op` = 'none'
UNION ALL
SELECT CAST(`occurred_at` AS TIMESTAMP_LTZ(3)) AS `heartbeat_at`
FROM `activity` WHERE `type` = 'heartbeat' AND (`occurred_at` > COALESCE(`arrival_timestamp`, `received_at`) + INTERVAL '5:10' MINUTE TO SECOND) IS NOT TRUE;

CREATE TEMPORARY TABLE `sdp_decided` (
  `received_at` TIMESTAMP_LTZ(3),
  `data` BYTES,
  `outcome` STRING
) WITH (
  'connector' = 'outcomes',
  'name' = 'shopping-outcomes',
  'received' = 'received_at',
  'data' = 'data',
  'outcome' = 'outcome'
);

CREATE TEMPORARY TABLE `sdp_decided_outcomes` (
  `minute` BIGINT,
  `read` BIGINT,
  `counted` BIGINT,
  `duplicate` BIGINT,
  `late` BIGINT,
  `unmatched` BIGINT,
  `malformed` BIGINT,
  `filtered` BIGINT,
  `redelivered` BIGINT
) WITH (
  'connector' = 'outcomes',
  'name' = 'shopping-outcomes',
  'port' = 'ledger'
);

CREATE TEMPORARY TABLE `sdp_ledger` (
  `use_case` STRING,
  `minute` BIGINT,
  `read` BIGINT,
  `counted` BIGINT,
  `duplicate` BIGINT,
  `late` BIGINT,
  `unmatched` BIGINT,
  `malformed` BIGINT,
  `filtered` BIGINT,
  `redelivered` BIGINT,
  `version` BIGINT
) PARTITIONED BY (`minute`) WITH (
  'connector' = 'kinesis',
  'stream.arn' = 'arn:aws:kinesis:eu-west-1:000000000000:stream/sdp-shopping-progress',
  'aws.region' = 'eu-west-1',
  'sink.flush-buffer.timeout' = '100',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601',
  'json.encode.ignore-null-fields' = 'true'
);

CREATE TEMPORARY VIEW `sdp_ledger_totals` AS
SELECT
  `minute`,
  SUM(`read`) AS `read`,
  SUM(`counted`) AS `counted`,
  SUM(`duplicate`) AS `duplicate`,
  SUM(`late`) AS `late`,
  SUM(`unmatched`) AS `unmatched`,
  SUM(`malformed`) AS `malformed`,
  SUM(`filtered`) AS `filtered`,
  SUM(`redelivered`) AS `redelivered`,
  SUM(`read` + `counted` + `duplicate` + `late` + `unmatched` + `malformed` + `filtered` + `redelivered`) AS `version`
FROM (
  SELECT `minute`, `read`, `counted`, `duplicate`, `late`, `unmatched`, `malformed`, `filtered`, `redelivered` FROM `outcomes`
  UNION ALL
  SELECT `minute`, `read`, `counted`, `duplicate`, `late`, `unmatched`, `malformed`, `filtered`, `redelivered` FROM `sdp_decided_outcomes`
)
GROUP BY `minute`;

CREATE TEMPORARY VIEW `sdp_ledger_totals_changelog` AS
SELECT * FROM TO_CHANGELOG(
  input => TABLE `sdp_ledger_totals`,
  op => DESCRIPTOR(`op`),
  op_mapping => MAP['INSERT, UPDATE_AFTER', 'upsert', 'DELETE', 'delete']);

INSERT INTO cards
SELECT `type`, `event_id`, `occurred_at`, `received_at`, `shard_id`, `sequence_number`, `arrival_timestamp`, `data`, `card_id`, `amount`, `balance`
FROM decoded
WHERE `type` = 'balance' OR `type` = 'transaction' AND `acc_num` <> 0;

INSERT INTO sessions
SELECT
  `type`, `event_id`, `occurred_at`, `received_at`, `shard_id`, `sequence_number`, `arrival_timestamp`, `data`,
  `session_id`,
  `customer_id`,
  CASE `page`
    WHEN 'page1' THEN 'first'
    WHEN 'page2' THEN 'second'
    WHEN 'page3' THEN 'last'
  END AS `step`
FROM decoded
WHERE `type` = 'page-view';

INSERT INTO deciding
SELECT
  CAST(NULL AS STRING) AS `type`, CAST(NULL AS STRING) AS `event_id`, CAST(NULL AS TIMESTAMP_LTZ(3)) AS `occurred_at`, CAST(NULL AS TIMESTAMP_LTZ(3)) AS `received_at`, CAST(NULL AS STRING) AS `card_id`, CAST(NULL AS BIGINT) AS `acc_num`, CAST(NULL AS DOUBLE) AS `amount`, CAST(NULL AS DOUBLE) AS `balance`, CAST(NULL AS STRING) AS `customer_id`, CAST(NULL AS BIGINT) AS `age`, CAST(NULL AS STRING) AS `segment`, CAST(NULL AS STRING) AS `rating`, CAST(NULL AS STRING) AS `budget`, CAST(NULL AS STRING) AS `credit_card`, CAST(NULL AS DOUBLE) AS `average_monthly_expenditures`, CAST(NULL AS STRING) AS `address`, CAST(NULL AS STRING) AS `email`, CAST(NULL AS STRING) AS `time_zone`, CAST(NULL AS STRING) AS `session_id`, CAST(NULL AS STRING) AS `page`, CAST(NULL AS STRING) AS `business_event_id`, CAST(NULL AS STRING) AS `shard_id`, CAST(NULL AS STRING) AS `sequence_number`, CAST(NULL AS TIMESTAMP_LTZ(3)) AS `arrival_timestamp`, CAST(NULL AS BYTES) AS `data`,
  CASE
    WHEN `customer_id` IS NOT NULL THEN REPEAT(' ', 128) || 'customer ' || `customer_id`
    WHEN `kind` = 'stuck_in_form' THEN REPEAT(' ', 128) || 'session ' || `subject`
    ELSE `subject`
  END AS `key`,
  CAST(NULL AS STRING) AS `customer_key`,
  `id`,
  `occurred_at` AS `at`,
  `kind`,
  `subject`,
  `trace_id`,
  `causes`,
  `customer_id` AS `found_customer`,
  `balance` AS `found_balance`,
  `count`,
  `deviation`
FROM business_event
UNION ALL
SELECT
  `type`, `event_id`, `occurred_at`, `received_at`, `card_id`, `acc_num`, `amount`, `balance`, `customer_id`, `age`, `segment`, `rating`, `budget`, `credit_card`, `average_monthly_expenditures`, `address`, `email`, `time_zone`, `session_id`, `page`, `business_event_id`, `shard_id`, `sequence_number`, `arrival_timestamp`, `data`,
  `card_id` AS `key`,
  REPEAT(' ', 128) || 'customer ' || `customer_id` AS `customer_key`,
  `event_id` AS `id`,
  `occurred_at` AS `at`,
  CAST(NULL AS STRING) AS `kind`,
  CAST(NULL AS STRING) AS `subject`,
  CAST(NULL AS STRING) AS `trace_id`,
  CAST(NULL AS STRING) AS `causes`,
  CAST(NULL AS STRING) AS `found_customer`,
  CAST(NULL AS DOUBLE) AS `found_balance`,
  CAST(NULL AS BIGINT) AS `count`,
  CAST(NULL AS DOUBLE) AS `deviation`
FROM decoded
WHERE `type` = 'customer';

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

INSERT INTO `sdp_decided`
SELECT `received_at`, `data`, 'malformed'
FROM `checked`
WHERE `violation` IS NOT NULL
UNION ALL
SELECT `received_at`, `data`, 'filtered'
FROM `left_out`;

INSERT INTO `business_events`
SELECT `id`, `kind`, `subject`, `occurred_at`, `balance`, `count`, `deviation`, `customer_id`, `causes`, `trace_id`
FROM `business_event`;

INSERT INTO `decisions`
SELECT `id`, `business_event_id`, `kind`, `subject`, `customer_id`, `occurred_at`, `passed`, `rules`, `score`, `model_version`, `action_id`, `profile_id`, `detail`, `trace_id`
FROM `decision`;

INSERT INTO `actions`
SELECT `id`, `kind`, `subject`, `customer_id`, `time_zone`, `channel`, `title`, `message`, `score`, `rule`, `rule_version`, `template_version`, `model_version`, `business_event_id`, `occurred_at`, `trace_id`
FROM `action`;

INSERT INTO `offers`
SELECT `business_event_id`, `kind`, `action`, `segment`, `age`, `balance`, `average_monthly_expenditures`, `score`, `model_version`, `offered_at`, `accepted`, `accepted_at`
FROM `offer`;

INSERT INTO `aggregates`
SELECT `kind`, `period`, `found`, `version`, CAST(0 AS BIGINT)
FROM `kinds_changelog`;

INSERT INTO `reaction_counts`
SELECT `kind`, `period`, `decisions`, `passed`, `actions`, `version`, CAST(0 AS BIGINT)
FROM `reactions_changelog`;

INSERT INTO `progress`
SELECT 'shopping', `watermark`, `heartbeat_at`
FROM PROGRESS(input => TABLE `beats`, uid => 'shopping-progress');

INSERT INTO `dead_letters`
SELECT
  COALESCE(`shard_id` || ':' || `sequence_number`, `event_id`, '') || ':' || `outcome`,
  'shopping',
  'flink',
  `outcome`,
  COALESCE(`detail`, `outcome`) || COALESCE(`enclosed`.`remark`, ''),
  CASE WHEN `outcome` = 'malformed' THEN SPLIT_INDEX(`detail`, ' ', 0) END,
  `enclosed`.`payload`,
  `enclosed`.`encoding`,
  `event_id`,
  `occurred_at`,
  CURRENT_TIMESTAMP,
  ROW('activity', `shard_id`, `sequence_number`)
FROM (SELECT *, ENCLOSE(`data`, 716800) AS `enclosed` FROM `refused`);

INSERT INTO `dead_letters`
SELECT
  COALESCE(`shard_id` || ':' || `sequence_number`, `event_id`, '') || ':' || 'malformed',
  'shopping',
  'flink',
  'malformed',
  `violation` || COALESCE(`enclosed`.`remark`, ''),
  SPLIT_INDEX(`violation`, ' ', 0),
  `enclosed`.`payload`,
  `enclosed`.`encoding`,
  `event_id`,
  `occurred_at`,
  CURRENT_TIMESTAMP,
  ROW('activity', `shard_id`, `sequence_number`)
FROM (SELECT *, ENCLOSE(`data`, 716800) AS `enclosed` FROM `checked` WHERE `violation` IS NOT NULL);

INSERT INTO `sdp_ledger`
SELECT 'shopping', `minute`, `read`, `counted`, `duplicate`, `late`, `unmatched`, `malformed`, `filtered`, `redelivered`, `version`
FROM `sdp_ledger_totals_changelog`;

