-- One row is a case that was escalated to a linked ticket, the one first of which most time since has ended.
select
    case_id,
    linked_case_id,
    link_kind as relation,
    linked_ts,
    team_at_link,
    held_before_link_calendar_seconds,
    held_after_link_calendar_seconds,
    held_on_since_at,
    is_linked_case_loaded,
    case
        when not is_linked_case_loaded then 'not loaded'
        when is_linked_case_open then 'open' || coalesce(' with ' || linked_team, '')
        else 'ended'
    end as standing
from mart.case_links
where is_escalation and unlinked_ts is null
order by held_after_link_calendar_seconds desc nulls last, case_id, linked_case_id
