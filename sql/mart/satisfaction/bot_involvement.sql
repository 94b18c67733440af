-- One row is one source that has bots, and its cases with a bot or without one.
-- A bot took part where the source says so, or where one replied. Only persons' replies count as replies; resolved is ended and not cancelled.
with replies as (
    select
        source,
        case_id,
        intake_date,
        bool_or(signal = 'BOT_REPLY') as is_bot_replied,
        bool_or(signal = 'PUBLIC_REPLY') as is_replied
    from staging.messages_deduped
    group by source, case_id, intake_date
),

sources_with_bots as (
    select source
    from replies
    where is_bot_replied

    union

    select source
    from staging.case_source_facts
    where is_bot_involved
),

cases as (
    select
        milestones.source,
        coalesce(facts.is_bot_involved, replies.is_bot_replied, false) as is_bot_involved,
        coalesce(facts.is_bot_resolved, false) as is_bot_resolved,
        coalesce(replies.is_replied, false) as is_replied,
        not milestones.is_open and not milestones.is_cancelled as is_resolved
    from sources_with_bots
    inner join staging.case_milestones as milestones on sources_with_bots.source = milestones.source
    left join replies on milestones.case_id = replies.case_id and milestones.intake_date = replies.intake_date
    left join staging.case_source_facts as facts on milestones.case_id = facts.case_id and milestones.intake_date = facts.intake_date
),

counted as (
    select
        source,
        is_bot_involved,
        count(*) as cases,
        count(*) filter (where is_bot_resolved) as bot_resolved_cases,
        count(*) filter (where is_replied) as replied_cases,
        count(*) filter (where is_resolved) as resolved_cases
    from cases
    group by source, is_bot_involved
)

select
    source,
    is_bot_involved,
    cast(cases as bigint) as cases,
    cast(bot_resolved_cases as bigint) as bot_resolved_cases,
    cast(replied_cases as bigint) as replied_cases,
    cast(resolved_cases as bigint) as resolved_cases,
    cast(100.0 * bot_resolved_cases / nullif(cases, 0) as double) as bot_resolved_pct,
    cast(100.0 * replied_cases / nullif(cases, 0) as double) as replied_pct,
    cast(100.0 * resolved_cases / nullif(cases, 0) as double) as resolved_pct
from counted
