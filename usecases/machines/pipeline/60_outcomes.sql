-- How many records of each minute of receipt were read, and what became of them?
-- Shows: the port of the ledger, and what reaches no operator, which the platform adds up.
-- A measurement of another quantity is in the lake, and is no part of any result.
CREATE TEMPORARY TABLE outcomes (
  ${outcomes}
) WITH (
  'connector' = 'series-join',
  'name' = '${use_case}-join',
  'port' = 'ledger'
);
CREATE TEMPORARY VIEW left_out AS
SELECT ${origin}
FROM decoded
WHERE `quantity` <> ${SpeedQuantity} AND `quantity` <> ${TorqueQuantity}
