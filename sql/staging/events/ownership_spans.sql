-- One row is one span of a case held by one team and agent in one state, from intake on; the last one has no end.
-- What an event or a change of team or agent tells holds from its instant on, half-open, until another is told: an event that names nobody
-- tells nothing, a change to nobody does, and nobody is UNASSIGNED. Where no event ever names a team or agent, the first change says whose the
-- case was at intake; without one, raw.cases does. A team that the first change takes the case from at the very intake had it until then: an audit log often begins so.
-- What was told before intake holds from intake on, the last of it. The order is that of stamps, of those
-- alike the source's, as in staging.status_spans: a stint of another team that lasted no time is a span without length, so that hand-offs are all
-- there. What lies up to the last terminal event is the life of a case; the last span of one
-- that has ended follows its life and has no seconds. The holder's stretches (is_holding_start, held_from_at, held_to_at) are what clocks,
-- backlog and facts go by (docs/decisions/0046-ownership.md).
with cases as (
    select
        source,
        case_id,
        intake_date,
        intake_ts,
        last_terminal_at,
        team,
        agent,
        -- Windows sort by a number in less time than by an id.
        row_number() over (order by case_id) as case_number
    from staging.case_milestones
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

changes as (
    select
        case_id,
        changed_ts,
        source_sequence,
        change_id,
        attribute,
        value,
        previous_value,
        row_number() over (partition by case_id, attribute order by changed_ts, source_sequence, change_id) as change_number
    from raw.attribute_changes
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and attribute in ('team', 'agent')
),

first_changes as (
    select
        case_id,
        max(previous_value) filter (where attribute = 'team') as team,
        max(previous_value) filter (where attribute = 'agent') as agent,
        bool_or(attribute = 'team') as is_team_changed,
        bool_or(attribute = 'agent') as is_agent_changed,
        min(case when attribute = 'team' then changed_ts end) as team_changed_at
    from changes
    where change_number = 1
    group by case_id
),

cases_with_assignee_events as (
    select
        case_id,
        bool_or(team is not null) as is_team_named,
        bool_or(agent is not null) as is_agent_named
    from staging.events_clean
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by case_id
),

-- Nobody is '' here, so that it is told from nothing said. A record that names both names its team before its agent.
-- Whose a case is to begin with has no stamp: it comes before all that is told.
assignment_events as (
    select
        cases.case_number,
        cases.intake_ts as told_at,
        cast(null as timestamp) as stamped_at,
        true as is_clipped,
        true as is_at_intake,
        first_changes.team is not null and first_changes.team_changed_at = cases.intake_ts as is_kept,
        cast(-1 as bigint) as told_sequence,
        cast(null as varchar) as event_id,
        case
            when first_changes.team_changed_at = cases.intake_ts then coalesce(first_changes.team, '')
            when named.is_team_named then ''
            when first_changes.is_team_changed then coalesce(first_changes.team, '')
            else coalesce(cases.team, '')
        end as team,
        case
            when named.is_agent_named then ''
            when first_changes.is_agent_changed then coalesce(first_changes.agent, '')
            else coalesce(cases.agent, '')
        end as agent
    from cases
    left join first_changes on cases.case_id = first_changes.case_id
    left join cases_with_assignee_events as named on cases.case_id = named.case_id

    union all

    select
        cases.case_number,
        case when events.canonical_ts < cases.intake_ts then cases.intake_ts else events.canonical_ts end as told_at,
        events.canonical_ts as stamped_at,
        events.canonical_ts < cases.intake_ts as is_clipped,
        events.canonical_ts <= cases.intake_ts as is_at_intake,
        false as is_kept,
        3 * events.source_sequence as told_sequence,
        events.event_id,
        events.team,
        events.agent
    from staging.events_clean as events
    inner join cases on events.case_id = cases.case_id
    where
        events.intake_date >= $start_date
        and events.intake_date < $end_date
        and (events.team is not null or events.agent is not null)

    union all

    select
        cases.case_number,
        case when changes.changed_ts < cases.intake_ts then cases.intake_ts else changes.changed_ts end as told_at,
        changes.changed_ts as stamped_at,
        changes.changed_ts < cases.intake_ts as is_clipped,
        changes.changed_ts <= cases.intake_ts as is_at_intake,
        false as is_kept,
        3 * changes.source_sequence + case when changes.attribute = 'team' then 1 else 2 end as told_sequence,
        changes.change_id as event_id,
        case when changes.attribute = 'team' then coalesce(changes.value, '') end as team,
        case when changes.attribute = 'agent' then coalesce(changes.value, '') end as agent
    from changes
    inner join cases on changes.case_id = cases.case_id
),

neighbouring_events as (
    select
        case_number,
        told_at,
        is_clipped,
        is_at_intake,
        is_kept,
        event_id,
        team,
        agent,
        lag(team ignore nulls) over in_order as previous_team,
        lag(agent ignore nulls) over in_order as previous_agent,
        lag(case when team <> '' then true end ignore nulls) over in_order is null as is_nobody_before,
        lag(is_clipped and not is_kept) over in_order as is_previous_clipped,
        lead(stamped_at) over in_order as next_stamped_at,
        row_number() over in_order as place
    from assignment_events
    window in_order as (partition by case_number order by stamped_at nulls first, told_sequence, event_id)
),

-- Of what is told before intake only the last holder holds the case, from intake on; the others are no stints of its life. Neither is nobody,
-- where the first team is told at intake: a record that names team and agent is two changes.
holders as (
    select
        case_number,
        place,
        told_at,
        event_id,
        coalesce(team, previous_team) as team,
        coalesce(agent, previous_agent) as agent,
        is_clipped or (is_at_intake and (is_previous_clipped or is_nobody_before)) or coalesce(team <> previous_team, false) as is_team_new,
        coalesce(agent <> previous_agent, false) as is_agent_new,
        next_stamped_at is null or next_stamped_at > told_at or (is_kept and next_stamped_at = told_at)
        or not (is_clipped or (is_at_intake and is_nobody_before and coalesce(team, '') = '')) as is_in_life
    from neighbouring_events
),

steps as (
    select
        case_number,
        told_at,
        event_id,
        team,
        agent,
        is_team_new,
        lead(told_at) over (partition by case_number order by place) as next_changed_at,
        lead(team) over (partition by case_number order by place) as next_team,
        sum(case when is_team_new then 1 else 0 end) over (
            partition by case_number order by place rows between unbounded preceding and current row
        ) as stint
    from holders
    where is_in_life and (is_team_new or is_agent_new)
),

-- Few cases have two steps at one instant: all that follows from it is about them alone.
crowded_cases as (
    select distinct case_number
    from steps
    where next_changed_at = told_at
),

crowded_steps as (
    select steps.*
    from steps
    inner join crowded_cases on steps.case_number = crowded_cases.case_number
),

-- Of several at one instant the last holds.
lasting_steps as (
    select
        *,
        lag(team) over (partition by case_number order by told_at) as team_before,
        lag(agent) over (partition by case_number order by told_at) as agent_before
    from crowded_steps
    where next_changed_at is null or next_changed_at > told_at
),

holding_starts as (
    select
        case_number,
        stint,
        team,
        agent,
        event_id,
        told_at,
        next_changed_at,
        team_before is null or team <> team_before as is_team_new,
        lead(team_before is null or team <> team_before) over (partition by case_number order by told_at) as is_next_team_new,
        lead(told_at) over (partition by case_number order by told_at) as next_holding_at
    from lasting_steps
    where team_before is null or team <> team_before or agent <> agent_before
),

-- A team that gave a case away and got it back within one instant has two stints and one holding.
holder_spans as (
    select
        steps.case_number,
        steps.stint,
        steps.team,
        steps.agent,
        steps.event_id,
        steps.told_at as started_at,
        steps.next_changed_at as ended_at,
        true as is_holding_start,
        steps.told_at as held_from_at,
        steps.next_changed_at as held_to_at,
        steps.is_team_new,
        coalesce(steps.next_team <> steps.team, false) as is_team_left
    from steps
    left join crowded_cases on steps.case_number = crowded_cases.case_number
    where crowded_cases.case_number is null

    union all

    select
        case_number,
        stint,
        team,
        agent,
        event_id,
        told_at as started_at,
        next_changed_at as ended_at,
        true as is_holding_start,
        told_at as held_from_at,
        next_holding_at as held_to_at,
        is_team_new,
        coalesce(is_next_team_new, false) as is_team_left
    from holding_starts

    union all

    select
        steps.case_number,
        steps.stint,
        steps.team,
        steps.agent,
        steps.event_id,
        steps.told_at as started_at,
        steps.next_changed_at as ended_at,
        false as is_holding_start,
        holdings.told_at as held_from_at,
        holdings.next_holding_at as held_to_at,
        holdings.is_team_new,
        coalesce(holdings.is_next_team_new, false) as is_team_left
    from lasting_steps as steps
    inner join holding_starts as holdings
        on
            steps.case_number = holdings.case_number
            and steps.told_at > holdings.told_at
            and (holdings.next_holding_at is null or steps.told_at < holdings.next_holding_at)
    where steps.team = steps.team_before and steps.agent = steps.agent_before

    union all

    select
        case_number,
        stint,
        team,
        agent,
        event_id,
        told_at as started_at,
        next_changed_at as ended_at,
        false as is_holding_start,
        told_at as held_from_at,
        told_at as held_to_at,
        false as is_team_new,
        false as is_team_left
    from crowded_steps
    where next_changed_at = told_at and next_team <> team
),

-- ESCALATED says who is to have it next; that they have begun says what follows.
states as (
    select
        cases.case_number,
        case
            when spans.status in ('INTAKE', 'ASSIGNED', 'ESCALATED', 'REOPENED') then 'queue'
            when spans.status = 'CUSTOMER_WAIT' then 'wait_customer'
            when spans.status in ('VENDOR_WAIT', 'ON_HOLD') then 'wait_other'
            when spans.status in ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED') then 'done'
            else 'active'
        end as state,
        spans.started_at,
        spans.ended_at,
        spans.is_open
    from staging.status_spans as spans
    inner join cases on spans.case_id = cases.case_id
    where
        spans.intake_date >= $start_date
        and spans.intake_date < $end_date

    union all

    select
        case_number,
        'done' as state,
        last_terminal_at as started_at,
        cast(null as timestamp) as ended_at,
        false as is_open
    from cases
    where last_terminal_at is not null
),

span_parts as (
    select
        holder_spans.case_number,
        holder_spans.stint,
        holder_spans.team,
        holder_spans.agent,
        holder_spans.event_id,
        holder_spans.is_holding_start and holder_spans.started_at >= states.started_at as is_holding_start,
        holder_spans.held_from_at,
        holder_spans.held_to_at,
        holder_spans.is_team_new,
        holder_spans.is_team_left,
        states.state,
        case when holder_spans.started_at > states.started_at then holder_spans.started_at else states.started_at end as started_at,
        case
            when holder_spans.ended_at < states.ended_at or states.ended_at is null then holder_spans.ended_at
            else states.ended_at
        end as ended_at,
        states.is_open and holder_spans.ended_at is null as is_open
    from states
    left join holder_spans
        on
            states.case_number = holder_spans.case_number
            and (holder_spans.ended_at is null or holder_spans.ended_at > states.started_at or holder_spans.started_at >= states.started_at)
            and (states.ended_at is null or holder_spans.started_at < states.ended_at)
),

numbered_spans as (
    select
        *,
        row_number() over (partition by case_number order by started_at, stint) as span_number
    from span_parts
),

spans as (
    select
        numbered_spans.*,
        coalesce(team_calendars.calendar, 'desk') as calendar
    from numbered_spans
    left join staging.team_calendars as team_calendars on numbered_spans.team = team_calendars.team
),

ownership_rules as (
    select max(inactive_after_seconds) as inactive_after_seconds
    from staging.ownership_rules
),

-- Only a life that is longer than a silence may hold has one.
long_cases as (
    select
        cases.case_number,
        cases.case_id,
        cases.intake_ts
    from cases
    cross join ownership_rules as rules
    where
        cases.last_terminal_at is null
        or epoch_us(cases.last_terminal_at) - epoch_us(cases.intake_ts) > rules.inactive_after_seconds * 1000000
),

-- Anything that is told of a case breaks a silence.
activity_instants as (
    select
        case_number,
        intake_ts as happened_at
    from long_cases

    union all

    select
        cases.case_number,
        case when events.canonical_ts < cases.intake_ts then cases.intake_ts else events.canonical_ts end as happened_at
    from staging.events_clean as events
    inner join long_cases as cases on events.case_id = cases.case_id
    where
        events.intake_date >= $start_date
        and events.intake_date < $end_date

    union all

    select
        cases.case_number,
        case when messages.sent_ts < cases.intake_ts then cases.intake_ts else messages.sent_ts end as happened_at
    from staging.messages_deduped as messages
    inner join long_cases as cases on messages.case_id = cases.case_id
    where
        messages.intake_date >= $start_date
        and messages.intake_date < $end_date

    union all

    select
        cases.case_number,
        case when changes.changed_ts < cases.intake_ts then cases.intake_ts else changes.changed_ts end as happened_at
    from raw.attribute_changes as changes
    inner join long_cases as cases on changes.case_id = cases.case_id
    where
        changes.intake_date >= $start_date
        and changes.intake_date < $end_date
),

gaps as (
    select
        case_number,
        happened_at,
        lead(happened_at) over (partition by case_number order by happened_at) as next_happened_at
    from activity_instants
),

silences as (
    select
        gaps.case_number,
        cast(gaps.happened_at + rules.inactive_after_seconds * interval 1 second as timestamp) as from_at,
        gaps.next_happened_at as to_at
    from gaps
    cross join ownership_rules as rules
    where epoch_us(gaps.next_happened_at) - epoch_us(gaps.happened_at) > rules.inactive_after_seconds * 1000000
),

silent_parts as (
    select
        spans.case_number,
        spans.span_number,
        spans.calendar,
        case when silences.from_at > spans.started_at then silences.from_at else spans.started_at end as from_at,
        case when silences.to_at < spans.ended_at then silences.to_at else spans.ended_at end as to_at
    from spans
    inner join silences
        on
            spans.case_number = silences.case_number
            and spans.started_at < silences.to_at
            and spans.ended_at > silences.from_at
    where spans.state <> 'done'
),

silences_in_open_time as (
    select
        silent_parts.case_number,
        silent_parts.span_number,
        epoch_us(silent_parts.to_at) // 1000000 - epoch_us(silent_parts.from_at) // 1000000 as calendar_seconds,
        stop_time.open_seconds_before
        + case
            when stop_time.is_open then (epoch_us(silent_parts.to_at) - epoch_us(stop_time.segment_start_at)) // 1000000
            else 0
        end
        - start_time.open_seconds_before
        - case
            when start_time.is_open then (epoch_us(silent_parts.from_at) - epoch_us(start_time.segment_start_at)) // 1000000
            else 0
        end as business_seconds
    from silent_parts
    left join staging.business_time as start_time
        on
            silent_parts.calendar = start_time.calendar
            and cast(silent_parts.from_at as date) = start_time.utc_date
            and silent_parts.from_at >= start_time.segment_start_at
            and silent_parts.from_at < start_time.segment_end_at
    left join staging.business_time as stop_time
        on
            silent_parts.calendar = stop_time.calendar
            and cast(silent_parts.to_at as date) = stop_time.utc_date
            and silent_parts.to_at >= stop_time.segment_start_at
            and silent_parts.to_at < stop_time.segment_end_at
),

silent_seconds as (
    select
        case_number,
        span_number,
        sum(calendar_seconds) as calendar_seconds,
        sum(business_seconds) as business_seconds
    from silences_in_open_time
    group by case_number, span_number
)

-- Whole seconds of each bound, so that the spans of a case add up to its life. Business seconds outside the horizon are unknown.
select
    cases.source,
    cases.case_id,
    cases.intake_date,
    cast(spans.span_number as bigint) as span_number,
    spans.started_at,
    spans.ended_at,
    spans.is_open,
    cast(spans.stint as bigint) as stint,
    case when spans.team = '' then 'UNASSIGNED' else spans.team end as team,
    nullif(spans.agent, '') as agent,
    spans.state,
    spans.is_holding_start,
    spans.held_from_at,
    spans.held_to_at,
    spans.is_team_new,
    spans.is_team_left,
    spans.event_id,
    spans.calendar,
    cast(epoch_us(spans.ended_at) // 1000000 - epoch_us(spans.started_at) // 1000000 as bigint) as calendar_seconds,
    cast(
        stop_time.open_seconds_before
        + case when stop_time.is_open then (epoch_us(spans.ended_at) - epoch_us(stop_time.segment_start_at)) // 1000000 else 0 end
        - start_time.open_seconds_before
        - case when start_time.is_open then (epoch_us(spans.started_at) - epoch_us(start_time.segment_start_at)) // 1000000 else 0 end as bigint
    ) as business_seconds,
    cast(case when spans.ended_at is not null then coalesce(silent_seconds.calendar_seconds, 0) end as bigint) as inactive_calendar_seconds,
    cast(
        case
            when silent_seconds.calendar_seconds is not null then silent_seconds.business_seconds
            when spans.ended_at is not null then 0
        end as bigint
    ) as inactive_business_seconds
from spans
inner join cases on spans.case_number = cases.case_number
left join silent_seconds on spans.case_number = silent_seconds.case_number and spans.span_number = silent_seconds.span_number
left join staging.business_time as start_time
    on
        spans.calendar = start_time.calendar
        and cast(spans.started_at as date) = start_time.utc_date
        and spans.started_at >= start_time.segment_start_at
        and spans.started_at < start_time.segment_end_at
left join staging.business_time as stop_time
    on
        spans.calendar = stop_time.calendar
        and cast(spans.ended_at as date) = stop_time.utc_date
        and spans.ended_at >= stop_time.segment_start_at
        and spans.ended_at < stop_time.segment_end_at
