-- Which parcels were sent?
-- Shows: the port of one stage, which is a record as it is.
-- Emitted once, when all steps are there.
CREATE TEMPORARY TABLE sending (
  ${events}
) WITH (
  'connector' = 'correlate',
  'name' = '${use_case}-correlate',
  'port' = 'matched:sent'
)
