-- Which price does a record carry: the one offered in the bid, or the one the auction cleared at?
-- Shows: two columns out of one, so that filling from earlier stages mixes nothing; SLICE.
-- Reads decoded; every event of the stream that is well-formed.
CREATE TEMPORARY VIEW auctions AS
SELECT
  SLICE(`tx_id`) AS `slice`,
  `tx_id`, `type`, `app_uid`, `campaign_item_id`, `creative_category`, `creative_id`, `domain`,
  CASE WHEN `type` = 'bid' THEN `win_price` END AS `bid_price`,
  CASE WHEN `type` = 'imp' THEN `win_price` END AS `win_price`,
  `event_id`, `occurred_at`, `received_at`, `event_time`,
  `shard_id`, `sequence_number`, `arrival_timestamp`, `data`
FROM decoded
