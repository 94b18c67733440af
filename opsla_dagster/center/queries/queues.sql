-- One row is one queue that a case was ever in.
select distinct coalesce(nullif(team, 'UNASSIGNED'), 'none') as queue
from staging.ownership_spans
where is_holding_start
order by queue
