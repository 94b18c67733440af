-- One row is one case: staging.case_facts, with its messages counted only where its source tells of any.
-- Of a source that tells none at all nobody knows how many there were: NULL, not 0 (docs/decisions/0025-facts-of-a-case.md).
with sources_with_messages as (
    select distinct source
    from staging.case_facts
    where public_reply_count + bot_reply_count + customer_message_count + private_note_count > 0
)

select
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
    case when sources_with_messages.source is not null then facts.public_reply_count end as public_reply_count,
    case when sources_with_messages.source is not null then facts.bot_reply_count end as bot_reply_count,
    case when sources_with_messages.source is not null then facts.customer_message_count end as customer_message_count,
    case when sources_with_messages.source is not null then facts.private_note_count end as private_note_count,
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
from staging.case_facts as facts
left join sources_with_messages on facts.source = sources_with_messages.source
