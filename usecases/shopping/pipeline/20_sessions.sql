-- Which sessions are stuck in the form?
-- Shows: a step that is missing; it is found when the time is over, without a further event.
-- The names of the pages are parameters; other pages are left out. A session is that of the
-- customer whom the last page of the attempt names that names one.
CREATE TEMPORARY TABLE sessions (
  ${origin_columns},
  `session_id` STRING,
  `customer_id` STRING,
  `step` STRING
) WITH (
  'connector' = 'patterns',
  'name' = '${use_case}-sessions',
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
  'stuck_in_form.timeout' = '${FormTimeout.ms} ms'
);
INSERT INTO sessions
SELECT
  ${origin},
  `session_id`,
  `customer_id`,
  CASE `page`
    WHEN ${FirstPage} THEN 'first'
    WHEN ${SecondPage} THEN 'second'
    WHEN ${LastPage} THEN 'last'
  END AS `step`
FROM decoded
WHERE `type` = 'page-view'
