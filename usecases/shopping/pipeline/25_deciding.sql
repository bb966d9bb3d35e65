-- Which business events pass, by the rules and the profile in force at their own time?
-- Shows: an operator with definitions that people change while it runs.
-- A profile is that of a card and of its customer: a session names a customer, not a card.
CREATE TEMPORARY TABLE deciding (
  ${events},
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
  'name' = '${use_case}-decisions',
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
  'profile' = '${fields.Customer}',
  ${definitions}
)
