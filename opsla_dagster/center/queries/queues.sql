-- One row is one queue that a case was ever in.
select distinct coalesce(team, 'none') as queue
from staging.case_owners
order by queue
