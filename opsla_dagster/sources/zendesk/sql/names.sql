-- One row is the readable name of a group, brand, organization or form.
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
union all
select
    'ticket_forms' as kind,
    id,
    payload ->> '$.name' as name
from landed_ticket_forms
