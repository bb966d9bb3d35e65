-- What became of each record of an auction: matched, duplicate, late, unmatched; what when it closed?
-- Shows: CORRELATE, a process table function with state by slices of keys and event-time timers.
-- The stages are in order: an impression needs its bid, a click its impression.
CREATE TEMPORARY VIEW outcomes AS
SELECT *
FROM CORRELATE(
  input => TABLE auctions PARTITION BY `slice`,
  key_column => 'tx_id',
  stage_column => 'type',
  stages => 'bid,imp,click',
  own => '${own_columns}',
  window_ms => CAST(${correlation_window_ms} AS BIGINT),
  lateness_ms => CAST(${allowed_lateness_ms} AS BIGINT),
  on_time => DESCRIPTOR(`event_time`),
  uid => 'adtech-correlate')
