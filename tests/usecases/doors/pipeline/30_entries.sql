-- Which doors opened after several refusals in a row?
-- Shows: MATCH_RECOGNIZE: a pattern in the order of event time, with numbers of the deployment.
-- Of a run of refusals the longest that is within the window counts.
CREATE TEMPORARY VIEW forced_entry AS
SELECT *
FROM distinct_attempts
MATCH_RECOGNIZE (
  PARTITION BY `badge`
  ORDER BY `event_time`
  MEASURES
    FIRST(refusal.`occurred_at`) AS `first_at`,
    entry.`occurred_at` AS `opened_at`,
    COUNT(refusal.`granted`) AS `refusals`
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (refusal{${Refusals},} entry) WITHIN ${EntryWindow.interval}
  DEFINE
    refusal AS NOT refusal.`granted`,
    entry AS entry.`granted`
)
