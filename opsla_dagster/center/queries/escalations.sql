-- One row is a case that was escalated to a linked ticket, the one first that was held longest since: up to the last look at its intake date where it still
-- is, as the explanation of the case tells it.
select
    links.case_id,
    links.linked_case_id,
    links.link_kind as relation,
    links.linked_ts,
    links.team_at_link,
    links.held_before_link_calendar_seconds,
    links.held_after_link_calendar_seconds
    + case
        when links.held_on_since_at < looks.as_of_at then (epoch_us(looks.as_of_at) - epoch_us(links.held_on_since_at)) // 1000000
        else 0
    end as held_after_link_calendar_seconds,
    links.held_on_since_at is not null as is_held_on,
    links.is_linked_case_loaded,
    case
        when not links.is_linked_case_loaded then 'not loaded'
        when links.is_linked_case_open then 'open' || coalesce(' with ' || links.linked_team, '')
        else 'ended'
    end as standing
from mart.case_links as links
left join ops.partition_as_of as looks on links.source = looks.source and links.intake_date = looks.intake_date
where links.is_escalation and links.unlinked_ts is null
order by held_after_link_calendar_seconds desc nulls last, links.case_id, links.linked_case_id
