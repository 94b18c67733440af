-- The Spark SQL of sql/mart/facts/case_facts.sql, written by `make docs`.
WITH sources_with_messages AS (
  SELECT DISTINCT
    source
  FROM staging.case_facts
  WHERE
    public_reply_count + bot_reply_count + customer_message_count + private_note_count > 0
)
SELECT
  facts.source,
  facts.case_id,
  facts.intake_date,
  facts.intake_ts,
  facts.priority,
  facts.tier,
  facts.case_type,
  facts.team,
  facts.agent,
  facts.brand,
  facts.region,
  facts.channel,
  facts.customer,
  facts.dimensions,
  facts.initiated_by,
  facts.merged_into,
  facts.is_open,
  facts.is_cancelled,
  CASE
    WHEN NOT sources_with_messages.source IS NULL
    THEN facts.public_reply_count
  END AS public_reply_count,
  CASE WHEN NOT sources_with_messages.source IS NULL THEN facts.bot_reply_count END AS bot_reply_count,
  CASE
    WHEN NOT sources_with_messages.source IS NULL
    THEN facts.customer_message_count
  END AS customer_message_count,
  CASE
    WHEN NOT sources_with_messages.source IS NULL
    THEN facts.private_note_count
  END AS private_note_count,
  facts.is_one_touch,
  facts.reopen_count,
  facts.agent_station_count,
  facts.team_station_count,
  facts.handoff_count,
  facts.first_reply_at,
  facts.first_reply_agent,
  facts.first_reply_calendar_minutes,
  facts.first_reply_business_minutes,
  facts.first_resolution_calendar_minutes,
  facts.first_resolution_business_minutes,
  facts.full_resolution_calendar_minutes,
  facts.full_resolution_business_minutes,
  facts.agent_wait_calendar_minutes,
  facts.agent_wait_business_minutes,
  facts.requester_wait_calendar_minutes,
  facts.requester_wait_business_minutes,
  facts.on_hold_calendar_minutes,
  facts.on_hold_business_minutes,
  facts.rating_number,
  facts.rating_word,
  facts.rating_verdict,
  facts.is_bot_involved,
  facts.is_bot_resolved,
  facts.handling_calendar_minutes,
  facts.sla_name
FROM staging.case_facts AS facts
LEFT JOIN sources_with_messages
  ON facts.source = sources_with_messages.source
