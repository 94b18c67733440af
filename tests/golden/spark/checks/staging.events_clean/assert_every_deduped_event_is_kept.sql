-- The Spark SQL of sql/checks/staging.events_clean/assert_every_deduped_event_is_kept.sql, written by `make docs`.
WITH clean AS (
  SELECT
    intake_date,
    COUNT(*) AS events
  FROM staging.events_clean
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    intake_date
), deduped AS (
  SELECT
    intake_date,
    COUNT(*) AS events
  FROM staging.events_deduped
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    intake_date
)
SELECT
  deduped.intake_date,
  deduped.events AS deduped_events,
  clean.events AS clean_events
FROM deduped
LEFT JOIN clean
  ON deduped.intake_date = clean.intake_date
WHERE
  clean.events IS NULL OR clean.events <> deduped.events
