-- How many records of each minute of receipt were read, and what became of them?
-- Shows: the ports of four operators, of which each event reaches one, and what reaches none.
-- Business events and actions have no receipt: they are not counted again.
CREATE TEMPORARY TABLE cards_outcomes (
  ${outcomes}
) WITH (
  'connector' = 'patterns',
  'name' = '${use_case}-cards',
  'port' = 'ledger'
);
CREATE TEMPORARY TABLE sessions_outcomes (
  ${outcomes}
) WITH (
  'connector' = 'patterns',
  'name' = '${use_case}-sessions',
  'port' = 'ledger'
);
CREATE TEMPORARY TABLE deciding_outcomes (
  ${outcomes}
) WITH (
  'connector' = 'decisions',
  'name' = '${use_case}-decisions',
  'port' = 'ledger'
);
CREATE TEMPORARY TABLE answers_outcomes (
  ${outcomes}
) WITH (
  'connector' = 'correlate',
  'name' = '${use_case}-offers',
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
SELECT ${origin}
FROM decoded
WHERE
  `type` = 'transaction' AND `acc_num` = 0
  OR `type` = 'page-view' AND `page` NOT IN (${FirstPage}, ${SecondPage}, ${LastPage})
