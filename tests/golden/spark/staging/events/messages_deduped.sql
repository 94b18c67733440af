-- The Spark SQL of sql/staging/events/messages_deduped.sql, written by `make docs`.
WITH ranked_messages AS (
  SELECT
    *,
    ROW_NUMBER() OVER (
      PARTITION BY case_id, signal, sent_ts
      ORDER BY source_sequence NULLS LAST, message_id NULLS LAST
    ) AS copy_number,
    COUNT(*) OVER (PARTITION BY case_id, signal, sent_ts) AS copies
  FROM raw.messages
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
)
SELECT
  source,
  message_id,
  case_id,
  intake_date,
  sent_ts,
  source_sequence,
  signal,
  author_kind,
  agent,
  CAST(copies AS BIGINT) AS copies
FROM ranked_messages
WHERE
  copy_number = 1
