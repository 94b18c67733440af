-- One row: the instant that "now" stands for wherever the desk is shown as it stands, and why.
-- Nobody knows more of the desk as a whole than up to the end of the last intake date loaded, or up to the instant of the latest look, whichever is
-- earlier: known_until_at. Where the log fell silent more than seven days before that it has ended, and now is the end of the date on which it ended: as
-- `opsla run` loads such a log, whatever dates without anything a refresh has loaded since. That is the date of what happened last, or of the last intake
-- where the log goes on for longer than a week without one: what came in meanwhile is not in it (docs/decisions/0040-error-budget-and-now.md).
with known_dates as (
    select
        min(intake_date) as first_intake_date,
        max(intake_date) as last_intake_date,
        max(as_of_at) as as_of_at
    from ops.partition_as_of
),

bounds as (
    select
        known_dates.first_intake_date,
        known_dates.last_intake_date,
        known_dates.as_of_at,
        max(desk_time.segment_end_at) as last_date_end_at
    from known_dates
    left join staging.business_time as desk_time on desk_time.calendar = 'desk' and known_dates.last_intake_date = desk_time.local_date
    group by known_dates.first_intake_date, known_dates.last_intake_date, known_dates.as_of_at
),

known_bounds as (
    select
        first_intake_date,
        last_intake_date,
        as_of_at,
        case when last_date_end_at < as_of_at then last_date_end_at else as_of_at end as known_until_at
    from bounds
    where as_of_at is not null
),

-- What happened to cases while they were open, and how they are closed for good once they are solved: days later, where a help desk does so by itself.
changes as (
    select
        intake_date,
        started_at,
        ended_at
    from staging.backlog_spans

    union all

    select
        intake_date,
        intake_ts as started_at,
        last_terminal_at as ended_at
    from staging.case_milestones
),

silences as (
    select
        known_bounds.first_intake_date,
        known_bounds.last_intake_date,
        known_bounds.as_of_at,
        known_bounds.known_until_at,
        max(changes.intake_date) as last_case_date,
        max(
            case
                when changes.ended_at <= known_bounds.known_until_at then changes.ended_at
                when changes.started_at <= known_bounds.known_until_at then changes.started_at
            end
        ) as last_event_at
    from known_bounds
    left join changes on known_bounds.known_until_at >= changes.started_at
    group by known_bounds.first_intake_date, known_bounds.last_intake_date, known_bounds.as_of_at, known_bounds.known_until_at
),

-- The date of the last intake, and the seven after it.
week_dates as (
    select
        silences.last_case_date,
        silences.last_event_at,
        desk_time.local_date,
        min(desk_time.segment_start_at) as date_start_at,
        max(desk_time.segment_end_at) as date_end_at
    from silences
    inner join staging.business_time as desk_time
        on
            desk_time.calendar = 'desk'
            and silences.last_case_date <= desk_time.local_date
            and silences.last_case_date + interval 7 day >= desk_time.local_date
    group by silences.last_case_date, silences.last_event_at, desk_time.local_date
),

log_ends as (
    select
        coalesce(
            max(case when last_event_at >= date_start_at and last_event_at < date_end_at then date_end_at end),
            max(case when local_date = last_case_date then date_end_at end)
        ) as ended_at
    from week_dates
),

-- Outside the calendars' horizon a log ends with its last instant.
now_instants as (
    select
        silences.*,
        case
            when silences.last_event_at < silences.known_until_at - interval 7 day then coalesce(log_ends.ended_at, silences.last_event_at)
            else silences.known_until_at
        end as now_at
    from silences
    cross join log_ends
)

select
    cast(now_instants.now_at as timestamp) as now_at,
    coalesce(desk_time.local_date, cast(now_instants.now_at as date)) as now_date,
    case
        when now_instants.last_event_at < now_instants.known_until_at - interval 7 day then 'the log ended'
        when now_instants.known_until_at < now_instants.as_of_at then 'end of the last intake date loaded'
        else 'latest look'
    end as now_reason,
    cast(now_instants.known_until_at as timestamp) as known_until_at,
    now_instants.first_intake_date,
    now_instants.last_intake_date,
    now_instants.as_of_at,
    now_instants.last_event_at
from now_instants
left join staging.business_time as desk_time
    on
        desk_time.calendar = 'desk'
        and cast(now_instants.now_at as date) = desk_time.utc_date
        and now_instants.now_at >= desk_time.segment_start_at
        and now_instants.now_at < desk_time.segment_end_at
