-- Which requests and pickups are there, each once?
-- Shows: a stream of events each, without the repetitions of its own.
-- Only what the join needs is kept of them.
CREATE TEMPORARY VIEW requested AS
SELECT `ride`, `zone`, `occurred_at`, `event_time`
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY `event_id` ORDER BY `read_at`) AS `copy`
  FROM (SELECT *, PROCTIME() AS `read_at` FROM decoded_ride_requests)
)
WHERE `copy` = 1;
CREATE TEMPORARY VIEW picked_up AS
SELECT `ride`, `fare`, `event_id`, `occurred_at`, `event_time`
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY `event_id` ORDER BY `read_at`) AS `copy`
  FROM (SELECT *, PROCTIME() AS `read_at` FROM decoded_pickups)
)
WHERE `copy` = 1
