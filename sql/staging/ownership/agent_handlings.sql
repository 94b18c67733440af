-- One row is one local month, agent and case: how often the agent accepted the case in the month and handed it on, and how long it took.
-- Accepted: the agent comes to hold the case, from another or from nobody; handed on: the next holder is another agent. Both count in the month
-- in which the agent accepted. Handling is open time of the team's calendar, queued or worked on, that has ended.
with cases as (
    select
        source,
        case_id,
        intake_date,
        -- Windows sort by a number in less time than by an id.
        row_number() over (order by case_id) as case_number
    from staging.case_milestones
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

stretches as (
    select
        case_id,
        stint,
        agent,
        held_from_at,
        min(span_number) as span_number,
        min(started_at) as started_at,
        sum(business_seconds) filter (where state in ('queue', 'active')) as handling_business_seconds
    from staging.ownership_spans
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by case_id, stint, agent, held_from_at
),

neighbouring_stretches as (
    select
        cases.case_number,
        stretches.span_number,
        stretches.agent,
        stretches.started_at,
        stretches.handling_business_seconds,
        lag(stretches.agent) over (partition by cases.case_number order by stretches.span_number) as previous_agent,
        lead(stretches.agent) over (partition by cases.case_number order by stretches.span_number) as next_agent
    from stretches
    inner join cases on stretches.case_id = cases.case_id
),

-- Few agents keep a case from one stretch to the next.
continued_cases as (
    select distinct case_number
    from neighbouring_stretches
    where agent = previous_agent
),

numbered_runs as (
    select
        stretches.case_number,
        stretches.span_number as run_span_number,
        stretches.agent,
        stretches.started_at,
        stretches.next_agent,
        stretches.handling_business_seconds
    from neighbouring_stretches as stretches
    left join continued_cases on stretches.case_number = continued_cases.case_number
    where stretches.agent is not null and continued_cases.case_number is null

    union all

    select
        stretches.case_number,
        max(case when stretches.agent is distinct from stretches.previous_agent then stretches.span_number end) over (
            partition by stretches.case_number order by stretches.span_number rows between unbounded preceding and current row
        ) as run_span_number,
        stretches.agent,
        stretches.started_at,
        stretches.next_agent,
        stretches.handling_business_seconds
    from neighbouring_stretches as stretches
    inner join continued_cases on stretches.case_number = continued_cases.case_number
    where stretches.agent is not null
),

handlings as (
    select
        case_number,
        run_span_number,
        agent,
        min(started_at) as accepted_at,
        bool_or(next_agent <> agent) as is_handed_on,
        sum(handling_business_seconds) as handling_business_seconds
    from numbered_runs
    group by case_number, run_span_number, agent
)

select
    cases.source,
    cases.intake_date,
    cast(date_trunc('month', coalesce(local_time.local_date, cast(handlings.accepted_at as date))) as date) as month_date,
    handlings.agent,
    cases.case_id,
    cast(count(*) as bigint) as accepted_count,
    cast(count(*) filter (where handlings.is_handed_on) as bigint) as handed_on_count,
    cast(coalesce(sum(handlings.handling_business_seconds), 0) as bigint) as handling_business_seconds
from handlings
inner join cases on handlings.case_number = cases.case_number
left join staging.business_time as local_time
    on
        local_time.calendar = 'desk'
        and cast(handlings.accepted_at as date) = local_time.utc_date
        and handlings.accepted_at >= local_time.segment_start_at
        and handlings.accepted_at < local_time.segment_end_at
group by
    cases.source,
    cases.intake_date,
    cast(date_trunc('month', coalesce(local_time.local_date, cast(handlings.accepted_at as date))) as date),
    handlings.agent,
    cases.case_id
