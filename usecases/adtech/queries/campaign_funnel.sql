-- How many of a campaign's bids are shown, how many of those are clicked, and what does it cost?
-- Shows: the newest row of each bucket, by generation and version, as the reports have it.
-- Reads parquet_aggregates; a bucket counts if it begins within the range.
-- Parameter from instant = -P1D: The first instant.
-- Parameter to instant = now: The end, not included.
-- Parameter campaign integer = none: One campaign only.
-- Parameter limit integer = 100: How many campaigns, the largest spenders first.
WITH newest AS (
  SELECT
    campaign_item_id, period, bids, impressions, clicks, spend,
    row_number() OVER (
      PARTITION BY campaign_item_id, period ORDER BY generation DESC, version DESC) AS place
  FROM parquet_aggregates
  WHERE (${campaign} IS NULL OR campaign_item_id = ${campaign})
    AND period >= date_diff('second', TIMESTAMP '1970-01-01 00:00:00', ${from})
    AND period < date_diff('second', TIMESTAMP '1970-01-01 00:00:00', ${to})
),
campaigns AS (
  SELECT
    campaign_item_id,
    CAST(sum(bids) AS BIGINT) AS bids,
    CAST(sum(impressions) AS BIGINT) AS impressions,
    CAST(sum(clicks) AS BIGINT) AS clicks,
    CAST(sum(spend) AS BIGINT) AS spend
  FROM newest
  WHERE place = 1
  GROUP BY campaign_item_id
)
SELECT
  campaign_item_id, bids, impressions, clicks, spend,
  CAST(impressions AS DOUBLE) / nullif(bids, 0) AS win_rate,
  CAST(clicks AS DOUBLE) / nullif(impressions, 0) AS click_rate,
  CAST(spend AS DOUBLE) / nullif(clicks, 0) AS spend_per_click
FROM campaigns
ORDER BY spend DESC, campaign_item_id
LIMIT ${limit}
