-- The Spark SQL of sql/checks/mart.agent_activity/assert_months_add_up_to_dates.sql, written by `make docs`.
WITH month_counts AS (
  SELECT
    source,
    SUM(public_reply_count + private_note_count) AS messages,
    SUM(taken_cases + resolved_cases) AS handled_cases,
    SUM(first_replied_cases) AS first_replied_cases
  FROM mart.agent_activity
  GROUP BY
    source
), date_counts AS (
  SELECT
    source,
    SUM(public_reply_count + private_note_count) AS messages,
    SUM(taken_cases + resolved_cases) AS handled_cases
  FROM staging.agent_activity
  GROUP BY
    source
), first_replies AS (
  SELECT
    source,
    COUNT(*) AS first_replied_cases
  FROM staging.case_facts
  WHERE
    NOT first_reply_agent IS NULL
  GROUP BY
    source
)
SELECT
  date_counts.source,
  date_counts.messages,
  month_counts.messages AS counted_messages,
  date_counts.handled_cases,
  month_counts.handled_cases AS counted_handled_cases,
  first_replies.first_replied_cases,
  month_counts.first_replied_cases AS counted_first_replied_cases
FROM date_counts
LEFT JOIN month_counts
  ON date_counts.source = month_counts.source
LEFT JOIN first_replies
  ON date_counts.source = first_replies.source
WHERE
  month_counts.messages IS DISTINCT FROM date_counts.messages
  OR month_counts.handled_cases IS DISTINCT FROM date_counts.handled_cases
  OR month_counts.first_replied_cases IS DISTINCT FROM COALESCE(first_replies.first_replied_cases, 0)
