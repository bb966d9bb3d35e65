-- Which requests led to a ride?
-- Shows: an interval join of two streams, each with its own watermark.
-- A pickup belongs to the request of its ride that was made within the window before it.
CREATE TEMPORARY VIEW drive AS
SELECT
  r.`ride`,
  r.`zone`,
  p.`fare`,
  p.`event_id`,
  r.`occurred_at` AS `requested_at`,
  p.`occurred_at` AS `picked_at`,
  p.`occurred_at`
FROM requested AS r
JOIN picked_up AS p
ON r.`ride` = p.`ride`
AND p.`event_time` BETWEEN r.`event_time` AND r.`event_time` + ${PickupWindow.interval}
