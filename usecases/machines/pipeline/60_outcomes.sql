-- How many records of each minute of receipt were read, and what became of them?
-- Shows: the port of the ledger. Each well-formed measurement reaches the operator.
-- One of a quantity that no join in force names is `filtered`: it is in the lake alone.
CREATE TEMPORARY TABLE outcomes (
  ${outcomes}
) WITH (
  'connector' = 'series-join',
  'name' = '${use_case}-joins',
  'port' = 'ledger'
)
