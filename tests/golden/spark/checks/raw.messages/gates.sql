-- The Spark SQL of sql/checks/raw.messages/gates.sql, written by `make docs`.
WITH repeated_messages AS (
  SELECT
    SUM(copies) AS messages,
    SUM(copies - 1) AS extra_rows
  FROM (
    SELECT
      COUNT(*) AS copies
    FROM raw.messages
    WHERE
      intake_date >= :start_date AND intake_date < :end_date
    GROUP BY
      case_id,
      signal,
      sent_ts
  ) AS distinct_messages
)
SELECT
  CAST(100.0 * extra_rows AS DOUBLE) / CAST(NULLIF(messages, 0) AS DOUBLE) AS pct_duplicate_extra_rows,
  messages AS pct_duplicate_extra_rows_sample
FROM repeated_messages
