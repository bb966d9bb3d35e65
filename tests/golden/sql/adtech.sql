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
  WATERMARK FOR `event_time` AS `event_time` - INTERVAL '5' SECOND
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
  `event_id` STRING,
  `occurred_at` TIMESTAMP_LTZ(3),
  `win_price` BIGINT
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
  `event_id` STRING,
  `occurred_at` TIMESTAMP_LTZ(3),
  `win_price` BIGINT
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
  `clicked_at` TIMESTAMP_LTZ(3)
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
SELECT *,
  CASE
    WHEN `occurred_at` > COALESCE(`arrival_timestamp`, `received_at`) + INTERVAL '5:10' MINUTE TO SECOND THEN '/occurred_at is in the future of its arrival'
    WHEN `type` = 'heartbeat' THEN CAST(NULL AS STRING)
    WHEN `type` IS NULL THEN '/type is missing: the record cannot be decoded, has no type or is larger than 262144 bytes'
    WHEN `type` NOT IN ('bid', 'imp', 'click') THEN '/type is not one of the types of this stream'
    WHEN `event_id` IS NULL THEN '/event_id is required'
    WHEN `event_id` = '' THEN '/event_id is shorter than 1'
    WHEN CHAR_LENGTH(`event_id`) > 128 THEN '/event_id is longer than 128'
    WHEN `occurred_at` IS NULL THEN '/occurred_at is required'
    WHEN `type` = 'bid' THEN CASE
      WHEN `tx_id` IS NULL THEN '/tx_id is required'
      WHEN `tx_id` = '' THEN '/tx_id is shorter than 1'
      WHEN CHAR_LENGTH(`tx_id`) > 128 THEN '/tx_id is longer than 128'
      WHEN `app_uid` IS NULL THEN '/app_uid is required'
      WHEN `app_uid` = '' THEN '/app_uid is shorter than 1'
      WHEN CHAR_LENGTH(`app_uid`) > 256 THEN '/app_uid is longer than 256'
      WHEN `campaign_item_id` IS NULL THEN '/campaign_item_id is required'
      WHEN `campaign_item_id` < 0 THEN '/campaign_item_id is less than 0'
      WHEN CHAR_LENGTH(`creative_category`) > 256 THEN '/creative_category is longer than 256'
      WHEN CHAR_LENGTH(`creative_id`) > 256 THEN '/creative_id is longer than 256'
      WHEN CHAR_LENGTH(`domain`) > 256 THEN '/domain is longer than 256'
      WHEN `win_price` < 0 THEN '/win_price is less than 0'
      WHEN `win_price` > 1000000000000 THEN '/win_price is greater than 1000000000000'
    END
    WHEN `type` = 'imp' THEN CASE
      WHEN `tx_id` IS NULL THEN '/tx_id is required'
      WHEN `tx_id` = '' THEN '/tx_id is shorter than 1'
      WHEN CHAR_LENGTH(`tx_id`) > 128 THEN '/tx_id is longer than 128'
      WHEN `win_price` IS NULL THEN '/win_price is required'
      WHEN `win_price` < 0 THEN '/win_price is less than 0'
      WHEN `win_price` > 1000000000000 THEN '/win_price is greater than 1000000000000'
    END
    WHEN `type` = 'click' THEN CASE
      WHEN `tx_id` IS NULL THEN '/tx_id is required'
      WHEN `tx_id` = '' THEN '/tx_id is shorter than 1'
      WHEN CHAR_LENGTH(`tx_id`) > 128 THEN '/tx_id is longer than 128'
    END
  END AS `violation`
FROM `bcns`;

CREATE TEMPORARY VIEW `decoded` AS
SELECT * FROM `checked`
WHERE `violation` IS NULL AND `type` <> 'heartbeat';

CREATE TEMPORARY VIEW auctions AS
SELECT
  SLICE(`tx_id`) AS `slice`,
  `tx_id`, `type`, `app_uid`, `campaign_item_id`, `creative_category`, `creative_id`, `domain`,
  CASE WHEN `type` = 'bid' THEN `win_price` END AS `bid_price`,
  CASE WHEN `type` = 'imp' THEN `win_price` END AS `win_price`,
  `event_id`, `occurred_at`, `received_at`, `event_time`,
  `shard_id`, `sequence_number`, `arrival_timestamp`, `data`
FROM decoded;

CREATE TEMPORARY VIEW outcomes AS
SELECT *
FROM CORRELATE(
  input => TABLE auctions PARTITION BY `slice`,
  key_column => 'tx_id',
  stage_column => 'type',
  stages => 'bid,imp,click',
  own => 'event_id,occurred_at,received_at,event_time,shard_id,sequence_number,arrival_timestamp,data',
  window_ms => CAST(3600000 AS BIGINT),
  lateness_ms => CAST(3600000 AS BIGINT),
  on_time => DESCRIPTOR(`event_time`),
  uid => 'adtech-correlate');

CREATE TEMPORARY VIEW campaigns AS
SELECT
  `campaign_item_id`,
  `period`,
  COUNT(*) FILTER (WHERE `type` = 'bid') AS `bids`,
  COUNT(*) FILTER (WHERE `type` = 'imp') AS `impressions`,
  COUNT(*) FILTER (WHERE `type` = 'click') AS `clicks`,
  CASE
    WHEN SUM(CAST(`win_price` AS DOUBLE)) FILTER (WHERE `type` = 'imp') >= 9.2E18
      THEN 9223372036854775807
    ELSE COALESCE(SUM(`win_price`) FILTER (WHERE `type` = 'imp'), 0)
  END AS `spend`,
  COUNT(*) AS `version`
FROM (
  SELECT
    *,
    EXTRACT(EPOCH FROM CAST(`occurred_at` AS TIMESTAMP(3)))
      / 300 * 300 AS `period`
  FROM outcomes
  WHERE `outcome` = 'matched')
GROUP BY `campaign_item_id`, `period`;

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

INSERT INTO impressions
SELECT
  `tx_id`, `app_uid`, `campaign_item_id`, `creative_category`, `creative_id`, `domain`, `bid_price`,
  `event_id`, `occurred_at`, `win_price`
FROM outcomes
WHERE `outcome` = 'matched' AND `type` = 'imp';

INSERT INTO clicks
SELECT
  `tx_id`, `app_uid`, `campaign_item_id`, `creative_category`, `creative_id`, `domain`, `bid_price`,
  `event_id`, `occurred_at`, `win_price`
FROM outcomes
WHERE `outcome` = 'matched' AND `type` = 'click';

INSERT INTO transactions
SELECT
  `tx_id`, `app_uid`, `campaign_item_id`, `creative_category`, `creative_id`, `domain`, `bid_price`,
  COALESCE(`win_price`, `bid_price`),
  `imp_at` IS NOT NULL,
  `click_at` IS NOT NULL,
  `bid_at`, `imp_at`, `click_at`
FROM outcomes
WHERE `outcome` = 'closed';

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
  CASE `outcome`
    WHEN 'duplicate' THEN 'the key has a record of this type already'
    WHEN 'late' THEN 'older than the watermark less the allowed lateness'
    ELSE 'the key closed before the earlier types came'
  END || COALESCE(`enclosed`.`remark`, ''),
  CAST(NULL AS STRING),
  `enclosed`.`payload`,
  `enclosed`.`encoding`,
  `event_id`,
  `occurred_at`,
  COALESCE(`arrival_timestamp`, `received_at`),
  ROW('bcns', `shard_id`, `sequence_number`)
FROM (SELECT *, ENCLOSE(`data`, 716800) AS `enclosed` FROM `outcomes` WHERE `outcome` IN ('duplicate', 'late', 'unmatched'));

INSERT INTO `dead_letters`
SELECT
  COALESCE(`shard_id` || ':' || `sequence_number`, `event_id`, '') || ':' || 'malformed',
  'adtech',
  'flink',
  'malformed',
  `violation` || COALESCE(`enclosed`.`remark`, ''),
  SPLIT_INDEX(`violation`, ' ', 0),
  `enclosed`.`payload`,
  `enclosed`.`encoding`,
  `event_id`,
  `occurred_at`,
  COALESCE(`arrival_timestamp`, `received_at`),
  ROW('bcns', `shard_id`, `sequence_number`)
FROM (SELECT *, ENCLOSE(`data`, 716800) AS `enclosed` FROM `checked` WHERE `violation` IS NOT NULL);

