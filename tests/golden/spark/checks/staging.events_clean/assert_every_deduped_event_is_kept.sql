-- The Spark SQL of sql/checks/staging.events_clean/assert_every_deduped_event_is_kept.sql, written by `make docs`.
WITH clean_counts AS (
  SELECT
    intake_date,
    COUNT(*) AS events
  FROM staging.events_clean
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    intake_date
), deduped_counts AS (
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
  deduped_counts.intake_date,
  deduped_counts.events AS deduped_events,
  clean_counts.events AS clean_events
FROM deduped_counts
LEFT JOIN clean_counts
  ON deduped_counts.intake_date = clean_counts.intake_date
WHERE
  clean_counts.events IS NULL OR clean_counts.events <> deduped_counts.events
