-- Which measurements of speed and torque are next to each other?
-- Shows: the join of two series of each machine, exact in whatever order they came.
-- Each series has a watermark of its own. Other quantities take no part (60_outcomes.sql).
CREATE TEMPORARY TABLE joined (
  ${events}
) WITH (
  'connector' = 'series-join',
  'name' = '${use_case}-join',
  'key' = 'thing',
  'id' = 'event_id',
  'time' = 'occurred_at',
  'data' = 'data',
  'received' = 'received_at',
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
WHERE `quantity` = ${SpeedQuantity} OR `quantity` = ${TorqueQuantity}
