-- One row is one of followed, passed over, worked on instead: how many tickets, and what became of their promises; of $queue where it is given.
select
    followed,
    count(*) as tickets,
    100.0 * count(*) / sum(count(*) filter (where is_followed is not null)) over () as share_pct,
    count(*) filter (where outcome_by_now = 'met') as met_tickets,
    count(*) filter (where outcome_by_now = 'breached') as breached_tickets,
    count(*) filter (where outcome_by_now = 'running') as running_tickets,
    count(*) filter (where outcome_by_now = 'unknown') as unknown_tickets,
    count(*) filter (where outcome_by_now = 'nothing to keep') as nothing_tickets,
    100.0 * count(*) filter (where outcome_by_now = 'met') / nullif(count(*) filter (where outcome_by_now in ('met', 'breached')), 0) as kept_pct,
    count(distinct shown_at) as instants
from mart.next_best_followed
where $queue is null or queue = $queue
group by followed
order by case followed when 'followed' then 1 when 'passed over' then 2 else 3 end
