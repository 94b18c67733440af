-- One row is somebody who answers: listed as an agent or admin, or known by having held a ticket or written a private note (who left is
-- listed no more).
select id as agent
from landed_agents
union
select value as agent
from history
where field = 'assignee_id' and value is not null
union
select author as agent
from history
where type = 'Comment' and not is_public and author is not null
union
select payload ->> '$.assignee_id' as agent
from tickets
where payload ->> '$.assignee_id' is not null
