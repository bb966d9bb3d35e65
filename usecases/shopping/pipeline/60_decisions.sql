-- What is decided about each business event, and what follows from it?
-- Shows: rows of two kinds in one table; ports as records, one with a field of the profile.
-- Customers and sessions have keys that are longer than the id of a card may be: one of each may
-- have the same id, and is not the same.
INSERT INTO deciding
SELECT
  ${event_nulls},
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
  ${event_names},
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
  'name' = '${use_case}-decisions',
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
  'name' = '${use_case}-decisions',
  'port' = 'actions'
);
CREATE TEMPORARY VIEW action AS
SELECT *, `profile_time_zone` AS `time_zone`
FROM actions_decided
