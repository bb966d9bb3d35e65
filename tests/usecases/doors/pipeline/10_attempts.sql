-- Which attempts are in time for the pattern, each once?
-- Shows: rows behind the watermark are marked, repetitions are dropped, and time stays time.
-- A pattern is evaluated in the order of event time; what is later cannot take part in it.
CREATE TEMPORARY VIEW timely AS
SELECT *, CURRENT_WATERMARK(`event_time`) AS `watermark`, PROCTIME() AS `read_at`
FROM decoded;
CREATE TEMPORARY VIEW distinct_attempts AS
SELECT `badge`, `granted`, `occurred_at`, `event_time`
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY `event_id` ORDER BY `read_at`) AS `copy`
  FROM timely
  WHERE `watermark` IS NULL OR `event_time` > `watermark`
)
WHERE `copy` = 1
