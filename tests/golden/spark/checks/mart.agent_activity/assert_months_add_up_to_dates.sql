-- The Spark SQL of sql/checks/mart.agent_activity/assert_months_add_up_to_dates.sql, written by `make docs`.
WITH counted AS (
  SELECT
    source,
    SUM(public_reply_count + private_note_count) AS messages,
    SUM(taken_cases + resolved_cases) AS handled_cases,
    SUM(first_replied_cases) AS first_replied_cases
  FROM mart.agent_activity
  GROUP BY
    source
), dates AS (
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
  dates.source,
  dates.messages,
  counted.messages AS counted_messages,
  dates.handled_cases,
  counted.handled_cases AS counted_handled_cases,
  first_replies.first_replied_cases,
  counted.first_replied_cases AS counted_first_replied_cases
FROM dates
LEFT JOIN counted
  ON dates.source = counted.source
LEFT JOIN first_replies
  ON dates.source = first_replies.source
WHERE
  counted.messages IS DISTINCT FROM dates.messages
  OR counted.handled_cases IS DISTINCT FROM dates.handled_cases
  OR counted.first_replied_cases IS DISTINCT FROM COALESCE(first_replies.first_replied_cases, 0)
