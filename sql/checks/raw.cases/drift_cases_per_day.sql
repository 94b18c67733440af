-- Intake dates with less than a third or more than three times the mean of the same weekday in the four weeks before.
-- Holidays of the desk's calendar are not judged.
-- A failure means that volume changed abruptly; look first whether a source or a file is missing, or was loaded twice.
with days as (
    select
        intake_date,
        cast(sum(cases) as double) as cases
    from raw.source_partitions
    where
        intake_date >= $start_date - interval 28 day
        and intake_date < $end_date
    group by intake_date
),

holidays as (
    select calendar_date
    from raw.calendar_dim
    where calendar = 'desk' and is_holiday
),

earlier_weeks as (
    select
        today.intake_date,
        today.cases,
        avg(earlier.cases) as mean_cases,
        count(*) as weeks
    from days as today
    inner join days as earlier
        on
            earlier.intake_date = today.intake_date - interval 7 day
            or earlier.intake_date = today.intake_date - interval 14 day
            or earlier.intake_date = today.intake_date - interval 21 day
            or earlier.intake_date = today.intake_date - interval 28 day
    where
        today.intake_date >= $start_date
        and today.intake_date < $end_date
    group by today.intake_date, today.cases
)

select
    intake_date,
    cases,
    mean_cases
from earlier_weeks
left join holidays on earlier_weeks.intake_date = holidays.calendar_date
where
    holidays.calendar_date is null
    and weeks = 4
    and mean_cases >= 30
    and (cases < mean_cases / 3 or cases > mean_cases * 3)
