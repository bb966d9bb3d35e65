-- Which steps belong to one parcel?
-- Shows: the correlation with stages, a group and a sum of its own.
-- A step counts once, and only after the steps before it.
CREATE TEMPORARY TABLE correlated (
  ${events}
) WITH (
  'connector' = 'correlate',
  'name' = '${use_case}-correlate',
  ${envelope},
  ${checks},
  'key' = 'parcel',
  'stages' = 'ordered,packed,sent',
  'window' = '${DeliveryWindow.ms} ms',
  'lateness' = '${AllowedLateness.ms} ms',
  'count.by' = 'shop',
  'count.sum' = 'ordered.price',
  'count.period' = '${AggregationPeriod.seconds} s'
);
INSERT INTO correlated
SELECT ${event_names}
FROM steps
