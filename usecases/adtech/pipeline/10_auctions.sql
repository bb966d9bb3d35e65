-- What belongs to one auction, and what becomes of each record of it?
-- Shows: a table that is an operator: records are written to it, outcomes are read from its ports.
-- The stages are in order: an impression needs its bid, a click its impression.
CREATE TEMPORARY TABLE auctions (
  ${events}
) WITH (
  'connector' = 'correlate',
  'name' = '${use_case}-correlate',
  ${envelope},
  ${checks},
  'key' = 'tx_id',
  'stages' = 'bid,imp,click',
  'renamed' = 'bid.win_price=bid_price',
  'window' = '${CorrelationWindow.ms} ms',
  'lateness' = '${AllowedLateness.ms} ms',
  'count.by' = 'campaign_item_id',
  'count.sum' = 'imp.win_price',
  'count.period' = '${AggregationPeriod.seconds} s'
);
INSERT INTO auctions
SELECT ${event_names}
FROM bcns
