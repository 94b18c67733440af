-- One row is the readable name of a group, brand or organization.
select
    'groups' as kind,
    id,
    payload ->> '$.name' as name
from landed_groups
union all
select
    'brands' as kind,
    id,
    payload ->> '$.name' as name
from landed_brands
union all
select
    'organizations' as kind,
    id,
    payload ->> '$.name' as name
from landed_organizations
