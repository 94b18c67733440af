-- The Spark SQL of sql/checks/staging.messages_deduped/assert_copies_add_up_to_raw_messages.sql, written by `make docs`.
WITH kept AS (
  SELECT
    intake_date,
    SUM(copies) AS messages
  FROM staging.messages_deduped
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    intake_date
), logged AS (
  SELECT
    intake_date,
    COUNT(*) AS messages
  FROM raw.messages
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    intake_date
)
SELECT
  logged.intake_date,
  logged.messages AS raw_messages,
  kept.messages AS accounted_messages
FROM logged
LEFT JOIN kept
  ON logged.intake_date = kept.intake_date
WHERE
  kept.messages IS NULL OR kept.messages <> logged.messages
