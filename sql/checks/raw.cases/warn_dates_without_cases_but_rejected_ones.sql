-- Past intake dates without a case that rejected records are of, or may be of, since nobody can read their date.
-- A failure means that a date may be empty because nothing of it could be used; one record without a date can put several dates in
-- doubt; look first at raw.rejected_rows. Once the log or the mapping is mended, `opsla refresh` makes the dates anew.

-- What stands beside a source of cases (an audit log, a file of links) has none on any date.
with source_totals as (
    select
        source,
        sum(cases) as cases,
        count(*) over () as sources
    from raw.source_partitions
    group by source
),

empty_dates as (
    select
        partitions.source,
        partitions.intake_date
    from raw.source_partitions as partitions
    inner join source_totals on partitions.source = source_totals.source and (source_totals.cases > 0 or source_totals.sources = 1)
    where
        partitions.intake_date >= $start_date
        and partitions.intake_date < $end_date
        and partitions.intake_date < cast($as_of_at as date)
        and partitions.cases = 0
),

-- Records before desk.start_date are left out on purpose; a record without a case counts as one.
rejected_cases as (
    select
        rejected_rows.source,
        coalesce(rejected_rows.case_id, rejected_rows.file || ' ' || cast(rejected_rows.row_number as varchar)) as rejected_case,
        min(rejected_rows.record_date) as record_date
    from raw.rejected_rows as rejected_rows
    left join raw.cases as cases on rejected_rows.source = cases.source and rejected_rows.case_id = cases.case_id
    where
        cases.case_id is null
        and strpos(rejected_rows.reason, 'lies before desk.start_date') = 0
    group by
        rejected_rows.source,
        coalesce(rejected_rows.case_id, rejected_rows.file || ' ' || cast(rejected_rows.row_number as varchar))
),

dated_cases as (
    select
        source,
        record_date,
        count(*) as cases
    from rejected_cases
    where record_date is not null
    group by source, record_date
),

undated_cases as (
    select
        source,
        count(*) as cases
    from rejected_cases
    where record_date is null
    group by source
),

-- Of the four weeks before; a weekday on which nothing comes in has a mean of 0, and one that was never loaded none.
same_weekdays as (
    select
        empty_dates.source,
        empty_dates.intake_date,
        avg(earlier.cases) as mean_cases
    from empty_dates
    inner join raw.source_partitions as earlier
        on
            empty_dates.source = earlier.source
            and (
                earlier.intake_date = empty_dates.intake_date - interval 7 day
                or earlier.intake_date = empty_dates.intake_date - interval 14 day
                or earlier.intake_date = empty_dates.intake_date - interval 21 day
                or earlier.intake_date = empty_dates.intake_date - interval 28 day
            )
    group by empty_dates.source, empty_dates.intake_date
),

all_dates as (
    select
        source,
        avg(cases) as mean_cases
    from raw.source_partitions
    where cases > 0
    group by source
)

select
    empty_dates.source,
    empty_dates.intake_date,
    coalesce(dated_cases.cases, 0) as rejected_cases,
    coalesce(undated_cases.cases, 0) as rejected_cases_of_unknown_date
from empty_dates
left join dated_cases on empty_dates.source = dated_cases.source and empty_dates.intake_date = dated_cases.record_date
left join undated_cases on empty_dates.source = undated_cases.source
left join same_weekdays on empty_dates.source = same_weekdays.source and empty_dates.intake_date = same_weekdays.intake_date
left join all_dates on empty_dates.source = all_dates.source
where
    coalesce(dated_cases.cases, 0) > 0
    -- Of records without a date as many as half of such a weekday mostly has.
    or (
        coalesce(undated_cases.cases, 0) > 0
        and coalesce(same_weekdays.mean_cases, all_dates.mean_cases, 1.0) > 0
        and undated_cases.cases >= 0.5 * coalesce(same_weekdays.mean_cases, all_dates.mean_cases, 1.0)
    )
