-- Which measurements of two quantities are next to each other?
-- Shows: joins of series of each machine that people change while it runs, exact in whatever order
-- measurements came. The parameters are version 0 of the join `power`.
CREATE TEMPORARY TABLE joined (
  ${events}
) WITH (
  'connector' = 'series-join',
  'name' = '${use_case}-joins',
  'key' = 'thing',
  'id' = 'event_id',
  'time' = 'occurred_at',
  'data' = 'data',
  'received' = 'received_at',
  'series' = 'quantity',
  'value' = 'result',
  'join' = 'power',
  'r' = ${SpeedQuantity},
  's' = ${TorqueQuantity},
  'distance' = '${MaxDistance.ms} ms',
  'r.delay' = '${WatermarkDelay.ms} ms',
  's.delay' = '${WatermarkDelay.ms} ms',
  'max-latency' = '${MaxLatency.ms} ms',
  'final-after' = '${FinalAfter.ms} ms',
  ${definitions}
);
INSERT INTO joined
SELECT ${event_names}
FROM decoded
