-- No rows: Intercom does not tell which targets it applied.
select
    case_id,
    intake_date,
    case_id as applied_id,
    intake_ts as applied_ts,
    cast(0 as bigint) as id_number,
    '' as metric,
    '' as policy,
    '' as calendar,
    cast(0 as bigint) as target_seconds,
    false as is_on_case_schedule,
    'in_force' as schedule_change
from used_cases
where false
