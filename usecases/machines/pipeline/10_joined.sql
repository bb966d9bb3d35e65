-- Which measurements of speed and torque are next to each other?
-- Shows: the join of two series of each machine, exact in whatever order they came.
-- Other quantities are left out. Each series has a watermark of its own.
CREATE TEMPORARY TABLE joined (
  ${events}
) WITH (
  'connector' = 'series-join',
  'name' = '${use_case}-join',
  'key' = 'thing',
  'id' = 'event_id',
  'time' = 'occurred_at',
  'data' = 'data',
  'series' = 'quantity',
  'value' = 'result',
  'r' = ${SpeedQuantity},
  's' = ${TorqueQuantity},
  'distance' = '${MaxDistance.ms} ms',
  'r.delay' = '${WatermarkDelay.ms} ms',
  's.delay' = '${WatermarkDelay.ms} ms',
  'max-latency' = '${MaxLatency.ms} ms',
  'final-after' = '${FinalAfter.ms} ms'
);
INSERT INTO joined
SELECT ${event_names}
FROM decoded
