-- How many records of each minute of receipt were read, and what became of them?
-- Shows: the port of the ledger, which the platform adds up.
-- Each row has what was counted since the row before.
CREATE TEMPORARY TABLE outcomes (
  ${outcomes}
) WITH (
  'connector' = 'correlate',
  'name' = '${use_case}-correlate',
  'port' = 'ledger'
)
