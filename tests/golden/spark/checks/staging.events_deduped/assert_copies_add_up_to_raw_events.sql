-- The Spark SQL of sql/checks/staging.events_deduped/assert_copies_add_up_to_raw_events.sql, written by `make docs`.
WITH kept AS (
  SELECT
    intake_date,
    SUM(copies) AS events
  FROM staging.events_deduped
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    intake_date
), logged AS (
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
  logged.intake_date,
  logged.events AS raw_events,
  kept.events AS accounted_events
FROM logged
LEFT JOIN kept
  ON logged.intake_date = kept.intake_date
WHERE
  kept.events IS NULL OR kept.events <> logged.events
