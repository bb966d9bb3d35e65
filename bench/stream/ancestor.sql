-- What the platform this one descends from computes: interval joins of five minutes either way
-- between the three kinds of event, and tumbling windows over what is joined. Late records are
-- dropped, duplicates counted: it is here for its speed, not for its numbers.
CREATE TEMPORARY VIEW bids AS
SELECT tx_id, campaign_item_id, creative_category, creative_id, domain, app_uid, occurred_at
FROM bcns WHERE `type` = 'bid';

CREATE TEMPORARY VIEW imps AS
SELECT tx_id, win_price, occurred_at FROM bcns WHERE `type` = 'imp';

CREATE TEMPORARY VIEW clicked AS
SELECT tx_id, occurred_at FROM bcns WHERE `type` = 'click';

CREATE TEMPORARY VIEW joined_imps AS
SELECT
  b.tx_id, b.campaign_item_id, b.creative_category, b.creative_id, b.domain, b.app_uid,
  i.win_price, i.occurred_at
FROM bids b JOIN imps i ON b.tx_id = i.tx_id
  AND i.occurred_at BETWEEN b.occurred_at - INTERVAL '5' MINUTE AND b.occurred_at + INTERVAL '5' MINUTE;

CREATE TEMPORARY VIEW joined_clicks AS
SELECT
  b.tx_id, b.campaign_item_id, b.creative_category, b.creative_id, b.domain, b.app_uid,
  c.occurred_at
FROM bids b JOIN clicked c ON b.tx_id = c.tx_id
  AND c.occurred_at BETWEEN b.occurred_at - INTERVAL '5' MINUTE AND b.occurred_at + INTERVAL '5' MINUTE;

INSERT INTO impressions SELECT * FROM joined_imps;

INSERT INTO clicks SELECT * FROM joined_clicks;

INSERT INTO counts
SELECT 'bids', campaign_item_id, window_start, COUNT(*), CAST(0 AS BIGINT)
FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(occurred_at), INTERVAL '5' MINUTE))
GROUP BY campaign_item_id, window_start, window_end;

INSERT INTO counts
SELECT 'impressions', campaign_item_id, window_start, COUNT(*), SUM(win_price)
FROM TABLE(TUMBLE(TABLE joined_imps, DESCRIPTOR(occurred_at), INTERVAL '5' MINUTE))
GROUP BY campaign_item_id, window_start, window_end;

INSERT INTO counts
SELECT 'clicks', campaign_item_id, window_start, COUNT(*), CAST(0 AS BIGINT)
FROM TABLE(TUMBLE(TABLE joined_clicks, DESCRIPTOR(occurred_at), INTERVAL '5' MINUTE))
GROUP BY campaign_item_id, window_start, window_end
