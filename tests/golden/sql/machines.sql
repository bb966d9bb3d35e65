CREATE DATABASE IF NOT EXISTS `machines`;

USE `machines`;

CREATE TEMPORARY TABLE `measurements` (
  `type` STRING,
  `event_id` STRING,
  `occurred_at` TIMESTAMP_LTZ(3),
  `received_at` TIMESTAMP_LTZ(3),
  `thing` STRING,
  `quantity` STRING,
  `result` DOUBLE,
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
  'stream.arn' = 'arn:aws:kinesis:eu-west-1:000000000000:stream/sdp-machines-measurements',
  'aws.region' = 'eu-west-1',
  'source.init.position' = 'TRIM_HORIZON',
  'source.record.max-bytes' = '262144',
  'format' = 'sdp-json'
);

CREATE TEMPORARY TABLE `pairs` (
  `thing` STRING,
  `r_quantity` STRING,
  `r_time` TIMESTAMP_LTZ(3),
  `r_result` DOUBLE,
  `s_quantity` STRING,
  `s_time` TIMESTAMP_LTZ(3),
  `s_result` DOUBLE,
  `status` STRING,
  `join_name` STRING,
  `join_version` BIGINT
) PARTITIONED BY (`thing`) WITH (
  'connector' = 'kinesis',
  'stream.arn' = 'arn:aws:kinesis:eu-west-1:000000000000:stream/sdp-machines-pairs',
  'aws.region' = 'eu-west-1',
  'sink.flush-buffer.timeout' = '100',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601',
  'json.encode.ignore-null-fields' = 'true'
);

CREATE TEMPORARY TABLE `power` (
  `thing` STRING,
  `occurred_at` TIMESTAMP_LTZ(3),
  `power` DOUBLE
) PARTITIONED BY (`thing`) WITH (
  'connector' = 'kinesis',
  'stream.arn' = 'arn:aws:kinesis:eu-west-1:000000000000:stream/sdp-machines-power',
  'aws.region' = 'eu-west-1',
  'sink.flush-buffer.timeout' = '100',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601',
  'json.encode.ignore-null-fields' = 'true'
);

CREATE TEMPORARY TABLE `aggregates` (
  `thing` STRING,
  `period` BIGINT,
  `count` BIGINT,
  `total` DOUBLE,
  `minimum` DOUBLE,
  `maximum` DOUBLE,
  `last` DOUBLE,
  `load_1` BIGINT,
  `load_2` BIGINT,
  `load_3` BIGINT,
  `load_4` BIGINT,
  `load_5` BIGINT,
  `version` BIGINT,
  `generation` BIGINT
) PARTITIONED BY (`thing`) WITH (
  'connector' = 'kinesis',
  'stream.arn' = 'arn:aws:kinesis:eu-west-1:000000000000:stream/sdp-machines-aggregates',
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
  'stream.arn' = 'arn:aws:kinesis:eu-west-1:000000000000:stream/sdp-machines-progress',
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
  'stream.arn' = 'arn:aws:kinesis:eu-west-1:000000000000:stream/sdp-machines-dead-letters',
  'aws.region' = 'eu-west-1',
  'sink.flush-buffer.timeout' = '100',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601',
  'json.encode.ignore-null-fields' = 'true'
);

CREATE TEMPORARY VIEW `checked` AS
SELECT * FROM VALIDATE(
  input => TABLE `measurements`,
  types => 'measurement',
  ignored => 'heartbeat',
  checks => '* occurred_at ahead 310000 is in the future of its arrival
* type missing - is missing: the record cannot be decoded, has no type or is larger than 262144 bytes
* type unknown - is not one of the types of this stream
* event_id required - is required
* event_id min-length 1 is shorter than 1
* event_id max-length 128 is longer than 128
* occurred_at required - is required
measurement thing required - is required
measurement thing min-length 1 is shorter than 1
measurement thing max-length 128 is longer than 128
measurement quantity required - is required
measurement quantity min-length 1 is shorter than 1
measurement quantity max-length 128 is longer than 128
measurement result required - is required
measurement result min -1000000000000.0 is less than -1000000000000.0
measurement result max 1000000000000.0 is greater than 1000000000000.0');

CREATE TEMPORARY VIEW `decoded` AS
SELECT * FROM `checked`
WHERE `violation` IS NULL AND `type` <> 'heartbeat';

CREATE TEMPORARY TABLE joined (
  `type` STRING,
  `event_id` STRING,
  `occurred_at` TIMESTAMP_LTZ(3),
  `received_at` TIMESTAMP_LTZ(3),
  `thing` STRING,
  `quantity` STRING,
  `result` DOUBLE,
  `shard_id` STRING,
  `sequence_number` STRING,
  `arrival_timestamp` TIMESTAMP_LTZ(3),
  `data` BYTES
) WITH (
  'connector' = 'series-join',
  'name' = 'machines-joins',
  'key' = 'thing',
  'id' = 'event_id',
  'time' = 'occurred_at',
  'data' = 'data',
  'received' = 'received_at',
  'series' = 'quantity',
  'value' = 'result',
  'join' = 'power',
  'r' = 'speed',
  's' = 'torque',
  'distance' = '1000 ms',
  'r.delay' = '5000 ms',
  's.delay' = '5000 ms',
  'max-latency' = '30000 ms',
  'final-after' = '600000 ms',
  'definitions.table' = 'sdp-machines-definitions',
  'aws.region' = 'eu-west-1'
);

CREATE TEMPORARY TABLE refused (
  `type` STRING,
  `event_id` STRING,
  `occurred_at` TIMESTAMP_LTZ(3),
  `received_at` TIMESTAMP_LTZ(3),
  `thing` STRING,
  `quantity` STRING,
  `result` DOUBLE,
  `shard_id` STRING,
  `sequence_number` STRING,
  `arrival_timestamp` TIMESTAMP_LTZ(3),
  `data` BYTES,
  `outcome` STRING,
  `detail` STRING
) WITH (
  'connector' = 'series-join',
  'name' = 'machines-joins',
  'port' = 'refused'
);

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
  'name' = 'machines-joins',
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
FROM paired;

CREATE TEMPORARY VIEW power_sample AS
SELECT
  `subject` AS `thing`,
  `mean_time` AS `occurred_at`,
  PI() / 30 * `r_value` * `s_value` AS `power`,
  `r_time`,
  `s_time`
FROM paired
WHERE `join_name` = 'power' AND `status` = 'final';

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
  'name' = 'machines-joins',
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
WHERE `join_name` = 'power';

CREATE TEMPORARY VIEW machines AS
SELECT
  `thing`,
  `period`,
  `count`,
  `total`,
  `minimum`,
  `maximum`,
  CAST(SPLIT_INDEX(`latest`, '|', 1) AS DOUBLE) AS `last`,
  `load_1`,
  `load_2`,
  `load_3`,
  `load_4`,
  `load_5`,
  `version`
FROM (
  SELECT
    `thing`,
    (EXTRACT(EPOCH FROM `occurred_at`) - MOD(EXTRACT(EPOCH FROM `occurred_at`), 300)) AS `period`,
    COUNT(*) AS `version`,
    COUNT(*) FILTER (WHERE `counts`) AS `count`,
    COALESCE(
      CAST(SUM(CAST(`power` AS DECIMAL(38, 6))) FILTER (WHERE `counts`) AS DOUBLE), 0
    ) AS `total`,
    MIN(`power`) AS `minimum`,
    MAX(`power`) AS `maximum`,
    MAX(
      DATE_FORMAT(`occurred_at`, 'yyyyMMddHHmmssSSS')
      || DATE_FORMAT(`r_time`, 'yyyyMMddHHmmssSSS')
      || DATE_FORMAT(`s_time`, 'yyyyMMddHHmmssSSS')
      || '|' || CAST(`power` AS STRING)
    ) AS `latest`,
    SUM(IF(`load` < 0.2, `lasting`, 0)) AS `load_1`,
    SUM(IF(`load` >= 0.2 AND `load` < 0.4, `lasting`, 0)) AS `load_2`,
    SUM(IF(`load` >= 0.4 AND `load` < 0.6, `lasting`, 0)) AS `load_3`,
    SUM(IF(`load` >= 0.6 AND `load` < 0.8, `lasting`, 0)) AS `load_4`,
    SUM(IF(`load` >= 0.8, `lasting`, 0)) AS `load_5`
  FROM (SELECT *, ABS(`power`) / 1000 AS `load` FROM contribution)
  GROUP BY `thing`, (EXTRACT(EPOCH FROM `occurred_at`) - MOD(EXTRACT(EPOCH FROM `occurred_at`), 300))
);

CREATE TEMPORARY TABLE outcomes (
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
  'connector' = 'series-join',
  'name' = 'machines-joins',
  'port' = 'ledger'
);

CREATE TEMPORARY VIEW `machines_changelog` AS
SELECT * FROM TO_CHANGELOG(
  input => TABLE `machines`,
  op => DESCRIPTOR(`op`),
  op_mapping => MAP['INSERT, UPDATE_AFTER', 'upsert', 'DELETE', 'delete']);

CREATE TEMPORARY VIEW `beats` AS
SELECT CAST(NULL AS TIMESTAMP_LTZ(3)) AS `heartbeat_at`
FROM `machines_changelog` WHERE `op` = 'none'
UNION ALL
SELECT CAST(`occurred_at` AS TIMESTAMP_LTZ(3)) AS `heartbeat_at`
FROM `measurements` WHERE `type` = 'heartbeat' AND (`occurred_at` > COALESCE(`arrival_timestamp`, `received_at`) + INTERVAL '5:10' MINUTE TO SECOND) IS NOT TRUE;

CREATE TEMPORARY TABLE `sdp_decided` (
  `received_at` TIMESTAMP_LTZ(3),
  `data` BYTES,
  `outcome` STRING
) WITH (
  'connector' = 'outcomes',
  'name' = 'machines-outcomes',
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
  'name' = 'machines-outcomes',
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
  'stream.arn' = 'arn:aws:kinesis:eu-west-1:000000000000:stream/sdp-machines-progress',
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

INSERT INTO joined
SELECT `type`, `event_id`, `occurred_at`, `received_at`, `thing`, `quantity`, `result`, `shard_id`, `sequence_number`, `arrival_timestamp`, `data`
FROM decoded;

INSERT INTO `sdp_decided`
SELECT `received_at`, `data`, 'malformed'
FROM `checked`
WHERE `violation` IS NOT NULL;

INSERT INTO `pairs`
SELECT `thing`, `r_quantity`, `r_time`, `r_result`, `s_quantity`, `s_time`, `s_result`, `status`, `join_name`, `join_version`
FROM `pair`;

INSERT INTO `power`
SELECT `thing`, `occurred_at`, `power`
FROM `power_sample`;

INSERT INTO `aggregates`
SELECT `thing`, `period`, `count`, `total`, `minimum`, `maximum`, `last`, `load_1`, `load_2`, `load_3`, `load_4`, `load_5`, `version`, CAST(0 AS BIGINT)
FROM `machines_changelog`;

INSERT INTO `progress`
SELECT 'machines', `watermark`, `heartbeat_at`
FROM PROGRESS(input => TABLE `beats`, uid => 'machines-progress');

INSERT INTO `dead_letters`
SELECT
  COALESCE(`shard_id` || ':' || `sequence_number`, `event_id`, '') || ':' || `outcome`,
  'machines',
  'flink',
  `outcome`,
  COALESCE(`detail`, `outcome`) || COALESCE(`enclosed`.`remark`, ''),
  CASE WHEN `outcome` = 'malformed' THEN SPLIT_INDEX(`detail`, ' ', 0) END,
  `enclosed`.`payload`,
  `enclosed`.`encoding`,
  `event_id`,
  `occurred_at`,
  CURRENT_TIMESTAMP,
  ROW('measurements', `shard_id`, `sequence_number`)
FROM (SELECT *, ENCLOSE(`data`, 716800) AS `enclosed` FROM `refused`);

INSERT INTO `dead_letters`
SELECT
  COALESCE(`shard_id` || ':' || `sequence_number`, `event_id`, '') || ':' || 'malformed',
  'machines',
  'flink',
  'malformed',
  `violation` || COALESCE(`enclosed`.`remark`, ''),
  SPLIT_INDEX(`violation`, ' ', 0),
  `enclosed`.`payload`,
  `enclosed`.`encoding`,
  `event_id`,
  `occurred_at`,
  CURRENT_TIMESTAMP,
  ROW('measurements', `shard_id`, `sequence_number`)
FROM (SELECT *, ENCLOSE(`data`, 716800) AS `enclosed` FROM `checked` WHERE `violation` IS NOT NULL);

INSERT INTO `sdp_ledger`
SELECT 'machines', `minute`, `read`, `counted`, `duplicate`, `late`, `unmatched`, `malformed`, `filtered`, `redelivered`, `version`
FROM `sdp_ledger_totals_changelog`;

