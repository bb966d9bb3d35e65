-- Who spends towards an empty account, and which amounts are unusual for their card?
-- Shows: patterns over the events of a card in the order of their time, in whatever order they came.
-- An account of number 0 is none: what is paid from it changes nothing.
CREATE TEMPORARY TABLE cards (
  ${origin_columns},
  `card_id` STRING,
  `amount` DOUBLE,
  `balance` DOUBLE
) WITH (
  'connector' = 'patterns',
  'name' = '${use_case}-cards',
  'key' = 'card_id',
  'id' = 'event_id',
  'time' = 'occurred_at',
  'data' = 'data',
  'received' = 'received_at',
  'amount' = 'amount',
  'level' = 'balance',
  'remember' = '${LateDebits.ms} ms',
  'kinds' = 'shopping,spending_anomaly',
  'shopping.pattern' = 'count-in-window',
  'shopping.window' = '${PatternWindow.ms} ms',
  'shopping.count' = '${PatternCount}',
  'shopping.below' = '${BalanceThreshold}',
  'shopping.cool-down' = '${CoolDown.ms} ms',
  'shopping.keep' = '${BalanceKept.ms} ms',
  'spending_anomaly.pattern' = 'anomaly',
  'spending_anomaly.half-life' = '${AnomalyHalfLife.ms} ms',
  'spending_anomaly.deviations' = '${AnomalyDeviations}',
  'spending_anomaly.min-count' = '${AnomalyCount}'
);
INSERT INTO cards
SELECT ${origin}, `card_id`, `amount`, `balance`
FROM decoded
WHERE `type` = 'balance' OR `type` = 'transaction' AND `acc_num` <> 0
