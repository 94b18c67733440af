-- The Spark SQL of sql/checks/mart.agent_activity/assert_every_agents_reply_is_counted.sql, written by `make docs`.
WITH counted AS (
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
  counted.messages AS counted_messages
FROM messages
LEFT JOIN counted
  ON messages.source = counted.source
WHERE
  counted.messages IS DISTINCT FROM messages.messages
