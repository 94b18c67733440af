-- Dates and dimensions whose values do not add up to the whole desk: open cases, what came and what left, debt.
-- A failure means that a dimension loses cases or counts them twice; look first at the grouping sets of sql/mart/backlog/backlog_daily.sql.
with sums as (
    select
        calendar_date,
        dimension,
        sum(open_cases) as open_cases,
        sum(opened_cases) as opened_cases,
        sum(reopened_cases) as reopened_cases,
        sum(left_cases + cancelled_cases) as gone_cases,
        sum(moved_in_cases - moved_out_cases) as moved_cases,
        sum(age_under_1_day_cases + age_1_to_3_days_cases + age_3_to_7_days_cases + age_7_to_30_days_cases + age_over_30_days_cases) as aged_cases,
        sum(breached_open_cases) as breached_open_cases,
        sum(debt_seconds) as debt_seconds,
        sum(debt_accrued_seconds - debt_repaid_seconds) as debt_change_seconds
    from mart.backlog_daily
    where
        calendar_date >= $start_date
        and calendar_date < $end_date
    group by calendar_date, dimension
)

select
    sums.calendar_date,
    sums.dimension,
    sums.open_cases,
    desk.open_cases as open_cases_of_all,
    sums.moved_cases,
    sums.debt_seconds,
    desk.debt_seconds as debt_seconds_of_all
from sums
left join sums as desk on sums.calendar_date = desk.calendar_date and desk.dimension = 'all'
where
    sums.open_cases is distinct from desk.open_cases
    or sums.opened_cases is distinct from desk.opened_cases
    or sums.reopened_cases is distinct from desk.reopened_cases
    or sums.gone_cases is distinct from desk.gone_cases
    or sums.moved_cases <> 0
    or sums.aged_cases <> sums.open_cases
    or sums.breached_open_cases is distinct from desk.breached_open_cases
    or sums.debt_seconds is distinct from desk.debt_seconds
    or sums.debt_change_seconds is distinct from desk.debt_change_seconds
