-- The tables of the ancestor's topology: the same source and the same kinds of sinks as ours.
CREATE TABLE bcns (
  `type` STRING, event_id STRING, occurred_at TIMESTAMP_LTZ(3), received_at TIMESTAMP_LTZ(3),
  tx_id STRING, app_uid STRING, campaign_item_id BIGINT, creative_category STRING,
  creative_id STRING, domain STRING, win_price BIGINT,
  WATERMARK FOR occurred_at AS occurred_at - INTERVAL '5' SECOND
) WITH (${source});

CREATE TABLE impressions (
  tx_id STRING, campaign_item_id BIGINT, creative_category STRING, creative_id STRING,
  domain STRING, app_uid STRING, win_price BIGINT, occurred_at TIMESTAMP_LTZ(3)
) WITH ('connector' = 'blackhole');

CREATE TABLE clicks (
  tx_id STRING, campaign_item_id BIGINT, creative_category STRING, creative_id STRING,
  domain STRING, app_uid STRING, occurred_at TIMESTAMP_LTZ(3)
) WITH ('connector' = 'blackhole');

CREATE TABLE counts (
  name STRING, campaign_item_id BIGINT, bucket TIMESTAMP(3), n BIGINT, spend BIGINT
) WITH (${counts})
