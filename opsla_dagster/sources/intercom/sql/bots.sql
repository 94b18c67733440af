-- One row is an admin that is no person.
select id
from landed_admins
where try_cast(payload ->> '$.is_bot' as boolean)
