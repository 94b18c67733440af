-- The Spark SQL of sql/staging/facts/first_replies.sql, written by `make docs`.
WITH first_messages AS (
  SELECT
    case_id,
    intake_date,
    MIN(sent_ts) AS first_message_ts
  FROM staging.messages_deduped
  WHERE
    signal = 'CUSTOMER_MESSAGE'
  GROUP BY
    case_id,
    intake_date
), replies AS (
  SELECT
    replies.source,
    replies.case_id,
    replies.intake_date,
    replies.sent_ts,
    replies.source_sequence,
    replies.message_id,
    replies.agent,
    COALESCE(cases.initiated_by, 'customer') = 'customer' AS is_begun_by_customer,
    CASE
      WHEN COALESCE(cases.initiated_by, 'customer') = 'customer'
      THEN cases.intake_ts
      WHEN first_messages.first_message_ts < cases.intake_ts
      THEN cases.intake_ts
      ELSE first_messages.first_message_ts
    END AS asked_ts
  FROM staging.messages_deduped AS replies
  INNER JOIN staging.case_milestones AS cases
    ON replies.case_id = cases.case_id AND replies.intake_date = cases.intake_date
  LEFT JOIN first_messages
    ON replies.case_id = first_messages.case_id
    AND replies.intake_date = first_messages.intake_date
  WHERE
    replies.signal = 'PUBLIC_REPLY'
), ranked_replies AS (
  SELECT
    source,
    case_id,
    intake_date,
    asked_ts,
    sent_ts,
    agent,
    ROW_NUMBER() OVER (
      PARTITION BY case_id, intake_date
      ORDER BY sent_ts NULLS LAST, source_sequence NULLS LAST, message_id NULLS LAST
    ) AS reply_number
  FROM replies
  WHERE
    is_begun_by_customer OR sent_ts >= asked_ts
)
SELECT
  ranked_replies.source,
  ranked_replies.case_id,
  ranked_replies.intake_date,
  ranked_replies.sent_ts AS first_reply_at,
  ranked_replies.agent AS first_reply_agent,
  CAST(CAST(CAST(UNIX_MICROS(CAST(ranked_replies.sent_ts AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(ranked_replies.asked_ts AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS first_reply_calendar_minutes,
  CAST(CAST(stop_time.open_seconds_before + CASE
    WHEN stop_time.is_open
    THEN CAST(UNIX_MICROS(CAST(ranked_replies.sent_ts AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(stop_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
    ELSE 0
  END - start_time.open_seconds_before - CASE
    WHEN start_time.is_open
    THEN CAST(UNIX_MICROS(CAST(ranked_replies.asked_ts AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(start_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
    ELSE 0
  END AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS first_reply_business_minutes
FROM ranked_replies
LEFT JOIN staging.business_time AS start_time
  ON start_time.calendar = 'desk'
  AND CAST(ranked_replies.asked_ts AS DATE) = start_time.utc_date
  AND ranked_replies.asked_ts >= start_time.segment_start_at
  AND ranked_replies.asked_ts < start_time.segment_end_at
LEFT JOIN staging.business_time AS stop_time
  ON stop_time.calendar = 'desk'
  AND CAST(ranked_replies.sent_ts AS DATE) = stop_time.utc_date
  AND ranked_replies.sent_ts >= stop_time.segment_start_at
  AND ranked_replies.sent_ts < stop_time.segment_end_at
WHERE
  ranked_replies.reply_number = 1
  AND ranked_replies.sent_ts >= ranked_replies.asked_ts
