-- Which attempts came too late for the pattern?
-- Shows: a view of what is refused, beside the dead letters of decoding.
-- They become dead letters.
CREATE TEMPORARY VIEW refused AS
SELECT ${origin}, 'late' AS `outcome`, 'event time has passed it' AS `detail`
FROM timely
WHERE `event_time` <= `watermark`
