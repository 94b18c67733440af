-- The total over tier and case type, when it is not the total over days.
-- A failure means that the heat map contradicts the trend; look first whether a refresh is half done.
with cells as (
    select coalesce(sum(sla_cases), 0) as sla_cases
    from mart.sla_by_tier_case_type
),

days as (
    select coalesce(sum(sla_cases), 0) as sla_cases
    from mart.sla_daily
)

select
    cells.sla_cases as sla_cases_of_cells,
    days.sla_cases as sla_cases_of_days
from cells
cross join days
where cells.sla_cases <> days.sla_cases
