-- One row is a case with the first values of its attributes.
with pivoted as (
    select
        case_id,
        max(value) filter (attribute = 'tier') as tier,
        max(value) filter (attribute = 'case_type') as case_type,
        max(value) filter (attribute = 'priority') as priority,
        max(value) filter (attribute = 'team') as team,
        max(value) filter (attribute = 'agent') as agent,
        max(value) filter (attribute = 'brand') as brand,
        max(value) filter (attribute = 'region') as region,
        max(value) filter (attribute = 'channel') as channel,
        max(value) filter (attribute = 'customer') as customer,
        max(value) filter (attribute = 'tags') as tags
    from attributes
    group by case_id
)

select
    used_cases.case_id,
    used_cases.intake_date,
    used_cases.intake_ts,
    used_cases.type as category,
    used_cases.initiated_by,
    used_cases.merged_into,
    used_cases.merged_ts,
    pivoted.* exclude (case_id)
from used_cases
left join pivoted using (case_id)
order by used_cases.intake_date, used_cases.case_id
