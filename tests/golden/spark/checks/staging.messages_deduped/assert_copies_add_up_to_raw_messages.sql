-- The Spark SQL of sql/checks/staging.messages_deduped/assert_copies_add_up_to_raw_messages.sql, written by `make docs`.
WITH kept_messages AS (
  SELECT
    intake_date,
    SUM(copies) AS messages
  FROM staging.messages_deduped
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    intake_date
), logged_messages AS (
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
  logged_messages.intake_date,
  logged_messages.messages AS raw_messages,
  kept_messages.messages AS accounted_messages
FROM logged_messages
LEFT JOIN kept_messages
  ON logged_messages.intake_date = kept_messages.intake_date
WHERE
  kept_messages.messages IS NULL
  OR kept_messages.messages <> logged_messages.messages
