-- One row is somebody who answers: listed as an agent or admin, or known by having held a ticket or written a private note (who left is
-- listed no more).
with known as (
    select
        id as agent,
        coalesce(payload ->> '$.is_bot' = 'true', false) as is_bot
    from landed_agents
    union all
    select value as agent, false as is_bot
    from history
    where field = 'assignee_id' and value is not null
    union all
    select author as agent, false as is_bot
    from history
    where type = 'Comment' and not is_public and author is not null
    union all
    select payload ->> '$.assignee_id' as agent, false as is_bot
    from tickets
    where payload ->> '$.assignee_id' is not null
)

select
    agent,
    bool_or(is_bot) as is_bot
from known
group by agent
