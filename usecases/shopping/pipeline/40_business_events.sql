-- What was found?
-- Shows: the ports of what was found, united as one record.
-- The id depends on the events alone, so each computation gives the same.
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
  'name' = '${use_case}-cards',
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
  'name' = '${use_case}-sessions',
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
)
