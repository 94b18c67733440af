-- The Spark SQL of sql/checks/staging.events_deduped/assert_copies_add_up_to_raw_events.sql, written by `make docs`.
WITH kept_events AS (
  SELECT
    intake_date,
    SUM(copies) AS events
  FROM staging.events_deduped
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    intake_date
), logged_events AS (
  SELECT
    intake_date,
    COUNT(*) AS events
  FROM raw.events_log
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    intake_date
)
SELECT
  logged_events.intake_date,
  logged_events.events AS raw_events,
  kept_events.events AS accounted_events
FROM logged_events
LEFT JOIN kept_events
  ON logged_events.intake_date = kept_events.intake_date
WHERE
  kept_events.events IS NULL OR kept_events.events <> logged_events.events
