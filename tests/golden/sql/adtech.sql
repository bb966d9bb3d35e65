CREATE DATABASE IF NOT EXISTS `adtech`;

USE `adtech`;

CREATE TEMPORARY TABLE `bcns` (
  `type` STRING,
  `event_id` STRING,
  `occurred_at` TIMESTAMP_LTZ(3),
  `received_at` TIMESTAMP_LTZ(3),
  `tx_id` STRING,
  `app_uid` STRING,
  `campaign_item_id` BIGINT,
  `creative_category` STRING,
  `creative_id` STRING,
  `domain` STRING,
  `win_price` BIGINT,
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
  'stream.arn' = 'arn:aws:kinesis:eu-west-1:000000000000:stream/sdp-adtech-bcns',
  'aws.region' = 'eu-west-1',
  'source.init.position' = 'TRIM_HORIZON',
  'source.record.max-bytes' = '262144',
  'format' = 'sdp-json'
);

CREATE TEMPORARY TABLE `impressions` (
  `tx_id` STRING,
  `app_uid` STRING,
  `campaign_item_id` BIGINT,
  `creative_category` STRING,
  `creative_id` STRING,
  `domain` STRING,
  `bid_price` BIGINT,
  `win_price` BIGINT,
  `event_id` STRING,
  `occurred_at` TIMESTAMP_LTZ(3)
) PARTITIONED BY (`tx_id`) WITH (
  'connector' = 'kinesis',
  'stream.arn' = 'arn:aws:kinesis:eu-west-1:000000000000:stream/sdp-adtech-impressions',
  'aws.region' = 'eu-west-1',
  'sink.flush-buffer.timeout' = '100',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601',
  'json.encode.ignore-null-fields' = 'true'
);

CREATE TEMPORARY TABLE `clicks` (
  `tx_id` STRING,
  `app_uid` STRING,
  `campaign_item_id` BIGINT,
  `creative_category` STRING,
  `creative_id` STRING,
  `domain` STRING,
  `bid_price` BIGINT,
  `win_price` BIGINT,
  `event_id` STRING,
  `occurred_at` TIMESTAMP_LTZ(3)
) PARTITIONED BY (`tx_id`) WITH (
  'connector' = 'kinesis',
  'stream.arn' = 'arn:aws:kinesis:eu-west-1:000000000000:stream/sdp-adtech-clicks',
  'aws.region' = 'eu-west-1',
  'sink.flush-buffer.timeout' = '100',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601',
  'json.encode.ignore-null-fields' = 'true'
);

CREATE TEMPORARY TABLE `transactions` (
  `tx_id` STRING,
  `app_uid` STRING,
  `campaign_item_id` BIGINT,
  `creative_category` STRING,
  `creative_id` STRING,
  `domain` STRING,
  `bid_price` BIGINT,
  `win_price` BIGINT,
  `won` BOOLEAN,
  `clicked` BOOLEAN,
  `bid_at` TIMESTAMP_LTZ(3),
  `won_at` TIMESTAMP_LTZ(3),
  `clicked_at` TIMESTAMP_LTZ(3),
  `win_probability` DOUBLE,
  `model_version` STRING
) PARTITIONED BY (`tx_id`) WITH (
  'connector' = 'kinesis',
  'stream.arn' = 'arn:aws:kinesis:eu-west-1:000000000000:stream/sdp-adtech-transactions',
  'aws.region' = 'eu-west-1',
  'sink.flush-buffer.timeout' = '100',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601',
  'json.encode.ignore-null-fields' = 'true'
);

CREATE TEMPORARY TABLE `aggregates` (
  `campaign_item_id` BIGINT,
  `period` BIGINT,
  `bids` BIGINT,
  `impressions` BIGINT,
  `clicks` BIGINT,
  `spend` BIGINT,
  `version` BIGINT,
  `generation` BIGINT
) PARTITIONED BY (`campaign_item_id`) WITH (
  'connector' = 'kinesis',
  'stream.arn' = 'arn:aws:kinesis:eu-west-1:000000000000:stream/sdp-adtech-aggregates',
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
  'stream.arn' = 'arn:aws:kinesis:eu-west-1:000000000000:stream/sdp-adtech-progress',
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
  'stream.arn' = 'arn:aws:kinesis:eu-west-1:000000000000:stream/sdp-adtech-dead-letters',
  'aws.region' = 'eu-west-1',
  'sink.flush-buffer.timeout' = '100',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601',
  'json.encode.ignore-null-fields' = 'true'
);

CREATE TEMPORARY VIEW `checked` AS
SELECT * FROM VALIDATE(
  input => TABLE `bcns`,
  types => 'bid,imp,click',
  ignored => 'heartbeat',
  checks => '* occurred_at ahead 310000 is in the future of its arrival
* type missing - is missing: the record cannot be decoded, has no type or is larger than 262144 bytes
* type unknown - is not one of the types of this stream
* event_id required - is required
* event_id min-length 1 is shorter than 1
* event_id max-length 128 is longer than 128
* occurred_at required - is required
bid tx_id required - is required
bid tx_id min-length 1 is shorter than 1
bid tx_id max-length 128 is longer than 128
bid app_uid required - is required
bid app_uid min-length 1 is shorter than 1
bid app_uid max-length 256 is longer than 256
bid campaign_item_id required - is required
bid campaign_item_id min 0 is less than 0
bid creative_category max-length 256 is longer than 256
bid creative_id max-length 256 is longer than 256
bid domain max-length 256 is longer than 256
bid win_price min 0 is less than 0
bid win_price max 1000000000000 is greater than 1000000000000
imp tx_id required - is required
imp tx_id min-length 1 is shorter than 1
imp tx_id max-length 128 is longer than 128
imp win_price required - is required
imp win_price min 0 is less than 0
imp win_price max 1000000000000 is greater than 1000000000000
click tx_id required - is required
click tx_id min-length 1 is shorter than 1
click tx_id max-length 128 is longer than 128');

CREATE TEMPORARY VIEW `decoded` AS
SELECT * FROM `checked`
WHERE `violation` IS NULL AND `type` <> 'heartbeat';

CREATE TEMPORARY TABLE auctions (
  `type` STRING,
  `event_id` STRING,
  `occurred_at` TIMESTAMP_LTZ(3),
  `received_at` TIMESTAMP_LTZ(3),
  `tx_id` STRING,
  `app_uid` STRING,
  `campaign_item_id` BIGINT,
  `creative_category` STRING,
  `creative_id` STRING,
  `domain` STRING,
  `win_price` BIGINT,
  `shard_id` STRING,
  `sequence_number` STRING,
  `arrival_timestamp` TIMESTAMP_LTZ(3),
  `data` BYTES
) WITH (
  'connector' = 'correlate',
  'name' = 'adtech-correlate',
  'stage' = 'type',
  'ignored' = 'heartbeat',
  'time' = 'occurred_at',
  'arrival' = 'arrival_timestamp',
  'received' = 'received_at',
  'data' = 'data',
  'own' = 'event_id,occurred_at,received_at,shard_id,sequence_number,arrival_timestamp,data',
  'labels' = 'bid=bid,imp=impression,click=click',
  'checks' = '* occurred_at ahead 310000 is in the future of its arrival
* type missing - is missing: the record cannot be decoded, has no type or is larger than 262144 bytes
* type unknown - is not one of the types of this stream
* event_id required - is required
* event_id min-length 1 is shorter than 1
* event_id max-length 128 is longer than 128
* occurred_at required - is required
bid tx_id required - is required
bid tx_id min-length 1 is shorter than 1
bid tx_id max-length 128 is longer than 128
bid app_uid required - is required
bid app_uid min-length 1 is shorter than 1
bid app_uid max-length 256 is longer than 256
bid campaign_item_id required - is required
bid campaign_item_id min 0 is less than 0
bid creative_category max-length 256 is longer than 256
bid creative_id max-length 256 is longer than 256
bid domain max-length 256 is longer than 256
bid win_price min 0 is less than 0
bid win_price max 1000000000000 is greater than 1000000000000
imp tx_id required - is required
imp tx_id min-length 1 is shorter than 1
imp tx_id max-length 128 is longer than 128
imp win_price required - is required
imp win_price min 0 is less than 0
imp win_price max 1000000000000 is greater than 1000000000000
click tx_id required - is required
click tx_id min-length 1 is shorter than 1
click tx_id max-length 128 is longer than 128',
  'key' = 'tx_id',
  'stages' = 'bid,imp,click',
  'renamed' = 'bid.win_price=bid_price',
  'window' = '3600000 ms',
  'lateness' = '3600000 ms',
  'count.by' = 'campaign_item_id',
  'count.sum' = 'imp.win_price',
  'count.period' = '300 s'
);

CREATE TEMPORARY TABLE refused (
  `type` STRING,
  `event_id` STRING,
  `occurred_at` TIMESTAMP_LTZ(3),
  `received_at` TIMESTAMP_LTZ(3),
  `tx_id` STRING,
  `app_uid` STRING,
  `campaign_item_id` BIGINT,
  `creative_category` STRING,
  `creative_id` STRING,
  `domain` STRING,
  `win_price` BIGINT,
  `shard_id` STRING,
  `sequence_number` STRING,
  `arrival_timestamp` TIMESTAMP_LTZ(3),
  `data` BYTES,
  `outcome` STRING,
  `detail` STRING
) WITH (
  'connector' = 'correlate',
  'name' = 'adtech-correlate',
  'port' = 'refused'
);

CREATE TEMPORARY TABLE enriched_impression (
  `type` STRING,
  `event_id` STRING,
  `occurred_at` TIMESTAMP_LTZ(3),
  `received_at` TIMESTAMP_LTZ(3),
  `tx_id` STRING,
  `app_uid` STRING,
  `campaign_item_id` BIGINT,
  `creative_category` STRING,
  `creative_id` STRING,
  `domain` STRING,
  `win_price` BIGINT,
  `shard_id` STRING,
  `sequence_number` STRING,
  `arrival_timestamp` TIMESTAMP_LTZ(3),
  `data` BYTES,
  `bid_price` BIGINT
) WITH (
  'connector' = 'correlate',
  'name' = 'adtech-correlate',
  'port' = 'matched:imp'
);

CREATE TEMPORARY TABLE enriched_click (
  `type` STRING,
  `event_id` STRING,
  `occurred_at` TIMESTAMP_LTZ(3),
  `received_at` TIMESTAMP_LTZ(3),
  `tx_id` STRING,
  `app_uid` STRING,
  `campaign_item_id` BIGINT,
  `creative_category` STRING,
  `creative_id` STRING,
  `domain` STRING,
  `win_price` BIGINT,
  `shard_id` STRING,
  `sequence_number` STRING,
  `arrival_timestamp` TIMESTAMP_LTZ(3),
  `data` BYTES,
  `bid_price` BIGINT
) WITH (
  'connector' = 'correlate',
  'name' = 'adtech-correlate',
  'port' = 'matched:click'
);

CREATE TEMPORARY TABLE closed (
  `type` STRING,
  `event_id` STRING,
  `occurred_at` TIMESTAMP_LTZ(3),
  `received_at` TIMESTAMP_LTZ(3),
  `tx_id` STRING,
  `app_uid` STRING,
  `campaign_item_id` BIGINT,
  `creative_category` STRING,
  `creative_id` STRING,
  `domain` STRING,
  `win_price` BIGINT,
  `shard_id` STRING,
  `sequence_number` STRING,
  `arrival_timestamp` TIMESTAMP_LTZ(3),
  `data` BYTES,
  `bid_price` BIGINT,
  `bid_at` TIMESTAMP_LTZ(3),
  `imp_at` TIMESTAMP_LTZ(3),
  `click_at` TIMESTAMP_LTZ(3)
) WITH (
  'connector' = 'correlate',
  'name' = 'adtech-correlate',
  'port' = 'closed'
);

CREATE TEMPORARY TABLE scoring (
  `tx_id` STRING,
  `app_uid` STRING,
  `campaign_item_id` BIGINT,
  `creative_category` STRING,
  `creative_id` STRING,
  `domain` STRING,
  `bid_price` BIGINT,
  `win_price` BIGINT,
  `bid_at` TIMESTAMP_LTZ(3),
  `imp_at` TIMESTAMP_LTZ(3),
  `click_at` TIMESTAMP_LTZ(3)
) WITH (
  'connector' = 'scores',
  'name' = 'adtech-scores',
  'time' = 'bid_at',
  'definitions.table' = 'sdp-adtech-definitions',
  'aws.region' = 'eu-west-1'
);

CREATE TEMPORARY TABLE scored (
  `tx_id` STRING,
  `app_uid` STRING,
  `campaign_item_id` BIGINT,
  `creative_category` STRING,
  `creative_id` STRING,
  `domain` STRING,
  `bid_price` BIGINT,
  `win_price` BIGINT,
  `bid_at` TIMESTAMP_LTZ(3),
  `imp_at` TIMESTAMP_LTZ(3),
  `click_at` TIMESTAMP_LTZ(3),
  `score` DOUBLE,
  `model_version` STRING
) WITH (
  'connector' = 'scores',
  'name' = 'adtech-scores',
  'port' = 'scored'
);

CREATE TEMPORARY VIEW `transaction` AS
SELECT
  `tx_id`, `app_uid`, `campaign_item_id`, `creative_category`, `creative_id`, `domain`, `bid_price`,
  COALESCE(`win_price`, `bid_price`) AS `win_price`,
  `imp_at` IS NOT NULL AS `won`,
  `click_at` IS NOT NULL AS `clicked`,
  `bid_at`,
  `imp_at` AS `won_at`,
  `click_at` AS `clicked_at`,
  `score` AS `win_probability`,
  `model_version`
FROM scored;

CREATE TEMPORARY TABLE counted (
  `campaign_item_id` BIGINT,
  `period` BIGINT,
  `bid` BIGINT,
  `imp` BIGINT,
  `click` BIGINT,
  `sum` BIGINT,
  `records` BIGINT
) WITH (
  'connector' = 'correlate',
  'name' = 'adtech-correlate',
  'port' = 'counts'
);

CREATE TEMPORARY VIEW campaigns AS
SELECT
  `campaign_item_id`,
  `period`,
  SUM(`bid`) AS `bids`,
  SUM(`imp`) AS `impressions`,
  SUM(`click`) AS `clicks`,
  CASE
    WHEN SUM(CAST(`sum` AS DOUBLE)) >= 9.2E18 THEN 9223372036854775807
    ELSE SUM(`sum`)
  END AS `spend`,
  SUM(`records`) AS `version`
FROM counted
GROUP BY `campaign_item_id`, `period`;

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
  'connector' = 'correlate',
  'name' = 'adtech-correlate',
  'port' = 'ledger'
);

CREATE TEMPORARY VIEW `campaigns_changelog` AS
SELECT * FROM TO_CHANGELOG(
  input => TABLE `campaigns`,
  op => DESCRIPTOR(`op`),
  op_mapping => MAP['INSERT, UPDATE_AFTER', 'upsert', 'DELETE', 'delete']);

CREATE TEMPORARY VIEW `beats` AS
SELECT CAST(NULL AS TIMESTAMP_LTZ(3)) AS `heartbeat_at`
FROM `campaigns_changelog` WHERE `op` = 'none'
UNION ALL
SELECT CAST(`occurred_at` AS TIMESTAMP_LTZ(3)) AS `heartbeat_at`
FROM `bcns` WHERE `type` = 'heartbeat' AND (`occurred_at` > COALESCE(`arrival_timestamp`, `received_at`) + INTERVAL '5:10' MINUTE TO SECOND) IS NOT TRUE;

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
  'stream.arn' = 'arn:aws:kinesis:eu-west-1:000000000000:stream/sdp-adtech-progress',
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
FROM `outcomes`
GROUP BY `minute`;

CREATE TEMPORARY VIEW `sdp_ledger_totals_changelog` AS
SELECT * FROM TO_CHANGELOG(
  input => TABLE `sdp_ledger_totals`,
  op => DESCRIPTOR(`op`),
  op_mapping => MAP['INSERT, UPDATE_AFTER', 'upsert', 'DELETE', 'delete']);

INSERT INTO auctions
SELECT `type`, `event_id`, `occurred_at`, `received_at`, `tx_id`, `app_uid`, `campaign_item_id`, `creative_category`, `creative_id`, `domain`, `win_price`, `shard_id`, `sequence_number`, `arrival_timestamp`, `data`
FROM bcns;

INSERT INTO scoring
SELECT `tx_id`, `app_uid`, `campaign_item_id`, `creative_category`, `creative_id`, `domain`, `bid_price`, `win_price`, `bid_at`, `imp_at`, `click_at`
FROM closed;

INSERT INTO `impressions`
SELECT `tx_id`, `app_uid`, `campaign_item_id`, `creative_category`, `creative_id`, `domain`, `bid_price`, `win_price`, `event_id`, `occurred_at`
FROM `enriched_impression`;

INSERT INTO `clicks`
SELECT `tx_id`, `app_uid`, `campaign_item_id`, `creative_category`, `creative_id`, `domain`, `bid_price`, `win_price`, `event_id`, `occurred_at`
FROM `enriched_click`;

INSERT INTO `transactions`
SELECT `tx_id`, `app_uid`, `campaign_item_id`, `creative_category`, `creative_id`, `domain`, `bid_price`, `win_price`, `won`, `clicked`, `bid_at`, `won_at`, `clicked_at`, `win_probability`, `model_version`
FROM `transaction`;

INSERT INTO `aggregates`
SELECT `campaign_item_id`, `period`, `bids`, `impressions`, `clicks`, `spend`, `version`, CAST(0 AS BIGINT)
FROM `campaigns_changelog`;

INSERT INTO `progress`
SELECT 'adtech', `watermark`, `heartbeat_at`
FROM PROGRESS(input => TABLE `beats`, uid => 'adtech-progress');

INSERT INTO `dead_letters`
SELECT
  COALESCE(`shard_id` || ':' || `sequence_number`, `event_id`, '') || ':' || `outcome`,
  'adtech',
  'flink',
  `outcome`,
  COALESCE(`detail`, `outcome`) || COALESCE(`enclosed`.`remark`, ''),
  CASE WHEN `outcome` = 'malformed' THEN SPLIT_INDEX(`detail`, ' ', 0) END,
  `enclosed`.`payload`,
  `enclosed`.`encoding`,
  `event_id`,
  `occurred_at`,
  CURRENT_TIMESTAMP,
  ROW('bcns', `shard_id`, `sequence_number`)
FROM (SELECT *, ENCLOSE(`data`, 716800) AS `enclosed` FROM `refused`);

INSERT INTO `sdp_ledger`
SELECT 'adtech', `minute`, `read`, `counted`, `duplicate`, `late`, `unmatched`, `malformed`, `filtered`, `redelivered`, `version`
FROM `sdp_ledger_totals_changelog`;

