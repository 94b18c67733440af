-- One row: what quality_gates.yml may bound about events, in percent of the window's raw events or cases. <rate>_sample is how
-- many events or cases the rate is measured on.
with rates as (
    select
        count(*) as events,
        count(is_duplicate) as flagged_duplicate,
        count(is_late_arriving) as flagged_late,
        count(is_tz_inconsistent) as flagged_tz,
        100.0 * count(*) filter (where event_ts is null) / nullif(count(*), 0) as pct_missing_event_ts,
        100.0 * count(*) filter (where is_duplicate) / nullif(count(is_duplicate), 0) as pct_duplicate_flag,
        100.0 * count(*) filter (where is_late_arriving) / nullif(count(is_late_arriving), 0) as pct_late_arriving,
        100.0 * count(*) filter (where is_tz_inconsistent) / nullif(count(is_tz_inconsistent), 0) as pct_tz_inconsistent,
        100.0 * count(*) filter (where ingestion_ts < event_ts) / nullif(count(*), 0) as pct_ingestion_before_event
    from raw.events_log
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

repeated_events as (
    select sum(copies - 1) as extra_rows
    from (
        select count(*) as copies
        from raw.events_log
        where
            intake_date >= $start_date
            and intake_date < $end_date
            and event_ts is not null
        group by case_id, status, event_ts
        having count(*) > 1
    ) as groups_of_copies
),

cases as (
    select
        case_id,
        min(event_ts) filter (where status = 'TRIAGE') as triage_ts,
        min(event_ts) filter (where status = 'INTAKE') as intake_ts,
        count(*) filter (where status = 'TRIAGE') > 0 as has_triage,
        count(*) filter (where status = 'RESOLVED') > 0 as has_resolved,
        count(*) filter (where status = 'CANCELLED') > 0 as has_cancelled
    from raw.events_log
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by case_id
),

case_rates as (
    select
        count(*) as cases,
        count(*) filter (where triage_ts is not null and intake_ts is not null) as triaged_cases,
        100.0 * count(*) filter (where has_triage) / nullif(count(*), 0) as pct_cases_with_triage,
        100.0 * count(*) filter (where triage_ts < intake_ts)
        / nullif(count(*) filter (where triage_ts is not null and intake_ts is not null), 0) as pct_triage_before_intake,
        100.0 * count(*) filter (where has_resolved and has_cancelled) / nullif(count(*), 0) as pct_cancelled_and_resolved
    from cases
)

select
    rates.pct_missing_event_ts,
    rates.events as pct_missing_event_ts_sample,
    rates.pct_duplicate_flag,
    rates.flagged_duplicate as pct_duplicate_flag_sample,
    100.0 * coalesce(repeated_events.extra_rows, 0) / nullif(rates.events, 0) as pct_duplicate_extra_rows,
    rates.events as pct_duplicate_extra_rows_sample,
    rates.pct_late_arriving,
    rates.flagged_late as pct_late_arriving_sample,
    rates.pct_tz_inconsistent,
    rates.flagged_tz as pct_tz_inconsistent_sample,
    rates.pct_ingestion_before_event,
    rates.events as pct_ingestion_before_event_sample,
    case_rates.pct_cases_with_triage,
    case_rates.cases as pct_cases_with_triage_sample,
    case_rates.pct_triage_before_intake,
    case_rates.triaged_cases as pct_triage_before_intake_sample,
    case_rates.pct_cancelled_and_resolved,
    case_rates.cases as pct_cancelled_and_resolved_sample,
    rates.events * 1.0 / nullif(case_rates.cases, 0) as events_per_case,
    case_rates.cases as events_per_case_sample
from rates
cross join repeated_events
cross join case_rates
