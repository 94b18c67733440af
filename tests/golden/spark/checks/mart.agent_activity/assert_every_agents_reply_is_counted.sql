-- The Spark SQL of sql/checks/mart.agent_activity/assert_every_agents_reply_is_counted.sql, written by `make docs`.
WITH counted_replies AS (
  SELECT
    source,
    SUM(public_reply_count + private_note_count) AS messages
  FROM mart.agent_activity
  GROUP BY
    source
), messages AS (
  SELECT
    source,
    COUNT(*) AS messages
  FROM staging.messages_deduped
  WHERE
    NOT agent IS NULL AND signal IN ('PUBLIC_REPLY', 'PRIVATE_NOTE')
  GROUP BY
    source
)
SELECT
  messages.source,
  messages.messages,
  counted_replies.messages AS counted_messages
FROM messages
LEFT JOIN counted_replies
  ON messages.source = counted_replies.source
WHERE
  counted_replies.messages IS DISTINCT FROM messages.messages
