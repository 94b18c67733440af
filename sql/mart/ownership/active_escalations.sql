-- One row is one case that is open now: who has it, for how long, how it got there, and what falls due next.
-- mart.backlog_now with its stints up to now: stint age is of the team, however the agent changed; the last activity is what was told of the case last
-- by then: its intake, an event, a message, a change of team, agent, priority or tier. What lies within the second of now counts, as it does in mart.backlog_now
-- (docs/decisions/0046-ownership.md).
with open_cases as (
    select
        *,
        snapshot_at + interval 1 second as seen_before_at
    from mart.backlog_now
),

stints as (
    select
        open_cases.case_id,
        open_cases.snapshot_at,
        stints.team,
        stints.entered_by,
        stints.is_planned_return,
        stints.stint,
        stints.started_at,
        stints.ended_at
    from open_cases
    inner join staging.ownership_stints as stints
        on open_cases.intake_date = stints.intake_date and open_cases.case_id = stints.case_id and stints.started_at < open_cases.seen_before_at
),

bounces as (
    select
        case_id,
        max(stint) as stint,
        count(*) filter (where entered_by in ('handoff', 'return_direct', 'return_indirect')) as team_handoff_count,
        count(*) filter (where entered_by = 'return_direct') as return_direct_count,
        count(*) filter (where entered_by = 'return_indirect') as return_indirect_count,
        count(*) filter (where is_planned_return) as planned_return_count,
        max(started_at) as started_at
    from stints
    group by case_id
),

activities as (
    select
        open_cases.case_id,
        events.canonical_ts as happened_at
    from open_cases
    inner join staging.events_clean as events
        on open_cases.intake_date = events.intake_date and open_cases.case_id = events.case_id and events.canonical_ts < open_cases.seen_before_at

    union all

    select
        open_cases.case_id,
        messages.sent_ts as happened_at
    from open_cases
    inner join staging.messages_deduped as messages
        on open_cases.intake_date = messages.intake_date and open_cases.case_id = messages.case_id and messages.sent_ts < open_cases.seen_before_at

    union all

    select
        open_cases.case_id,
        spans.started_at as happened_at
    from open_cases
    inner join staging.ownership_spans as spans
        on open_cases.intake_date = spans.intake_date and open_cases.case_id = spans.case_id and spans.started_at < open_cases.seen_before_at

    union all

    -- Of what the backlog traces something changed: so priority and tier come in.
    select
        case_id,
        status_since_at as happened_at
    from open_cases
    where status_since_at is not null
),

last_activities as (
    select
        open_cases.case_id,
        case when max(activities.happened_at) > open_cases.snapshot_at then open_cases.snapshot_at else max(activities.happened_at) end as last_activity_at
    from open_cases
    inner join activities on open_cases.case_id = activities.case_id
    group by open_cases.case_id, open_cases.snapshot_at
)

select
    open_cases.snapshot_at,
    open_cases.source,
    open_cases.case_id,
    open_cases.intake_date,
    open_cases.intake_ts,
    open_cases.case_type,
    open_cases.priority,
    open_cases.tier,
    open_cases.status,
    open_cases.waits_for,
    coalesce(open_cases.team, 'UNASSIGNED') as team,
    open_cases.agent,
    open_cases.age_calendar_minutes,
    open_cases.age_business_minutes,
    bounces.stint,
    cast((epoch_us(open_cases.snapshot_at) // 1000000 - epoch_us(bounces.started_at) // 1000000) / 60.0 as double) as team_stint_calendar_minutes,
    cast(bounces.team_handoff_count as bigint) as team_handoff_count,
    cast(bounces.return_direct_count as bigint) as return_direct_count,
    cast(bounces.return_indirect_count as bigint) as return_indirect_count,
    cast(bounces.planned_return_count as bigint) as planned_return_count,
    cast(bounces.return_direct_count - bounces.planned_return_count as bigint) as ping_pong_count,
    last_activities.last_activity_at,
    cast((epoch_us(open_cases.snapshot_at) // 1000000 - epoch_us(last_activities.last_activity_at) // 1000000) / 60.0 as double)
        as silent_calendar_minutes,
    open_cases.next_policy,
    open_cases.next_metric,
    open_cases.next_due_at,
    open_cases.next_remaining_business_minutes,
    open_cases.breached_clocks,
    open_cases.breached_since_at
from open_cases
inner join bounces on open_cases.case_id = bounces.case_id
inner join last_activities on open_cases.case_id = last_activities.case_id
