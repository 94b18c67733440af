-- One row is one scope of misattribution.
select *
from mart.misattribution
order by scope, scope_value
