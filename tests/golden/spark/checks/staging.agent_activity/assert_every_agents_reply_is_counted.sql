-- The Spark SQL of sql/checks/staging.agent_activity/assert_every_agents_reply_is_counted.sql, written by `make docs`.
WITH counted_replies AS (
  SELECT
    intake_date,
    source,
    SUM(public_reply_count + private_note_count) AS messages
  FROM staging.agent_activity
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    intake_date,
    source
), messages AS (
  SELECT
    intake_date,
    source,
    COUNT(*) AS messages
  FROM staging.messages_deduped
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND NOT agent IS NULL
    AND signal IN ('PUBLIC_REPLY', 'PRIVATE_NOTE')
  GROUP BY
    intake_date,
    source
)
SELECT
  messages.intake_date,
  messages.source,
  messages.messages,
  counted_replies.messages AS counted_messages
FROM messages
LEFT JOIN counted_replies
  ON messages.intake_date = counted_replies.intake_date
  AND messages.source = counted_replies.source
WHERE
  counted_replies.messages IS DISTINCT FROM messages.messages
