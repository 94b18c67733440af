-- One row is one source: which intake dates are made, and how far what is known of it reaches.
select
    made.source,
    min(made.intake_date) as first_intake_date,
    max(made.intake_date) as last_intake_date,
    count(*) as intake_dates,
    cast(sum(made.cases) as bigint) as cases,
    cast(sum(made.events) as bigint) as events,
    max(looks.as_of_at) as as_of_at
from ops.refreshed_partitions as made
left join ops.partition_as_of as looks on made.source = looks.source and made.intake_date = looks.intake_date
group by made.source
order by made.source
