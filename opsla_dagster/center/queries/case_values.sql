-- One row is one value that cases can be chosen by, with how many have it.
select
    'priority' as attribute,
    coalesce(priority, 'none') as value,
    count(*) as cases
from staging.case_milestones
group by priority

union all

select
    'tier' as attribute,
    coalesce(tier, 'none') as value,
    count(*) as cases
from staging.case_milestones
group by tier

union all

select
    'case_type' as attribute,
    coalesce(case_type, 'none') as value,
    count(*) as cases
from staging.case_milestones
group by case_type
order by attribute, value
