-- One row is one local date: planned against available agents, where the source knows them.
select
    calendar_date,
    planned_heads,
    effective_heads,
    cast(100.0 * (planned_heads - effective_heads) / nullif(planned_heads, 0) as double) as shrinkage_pct
from staging.day_load
where planned_heads is not null
