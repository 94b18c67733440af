-- One row is a link from a case to another case or ticket, whether that is loaded or not.
-- Several sources may tell one link: since the earliest that any of them tells, until the latest where none has it any more. Escalations
-- (the work on the case goes on in the linked ticket) are numbered: those that hold first, then by their beginning
-- (docs/decisions/0048-links-between-cases.md).
with links as (
    select
        case_id,
        intake_date,
        linked_case_id,
        link_kind,
        min(source_link_kind) as source_link_kind,
        min(linked_ts) as linked_ts,
        case when count(*) = count(unlinked_ts) then max(unlinked_ts) end as unlinked_ts
    from raw.case_links
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by case_id, intake_date, linked_case_id, link_kind
)

select
    cases.source,
    links.case_id,
    links.intake_date,
    links.linked_case_id,
    links.link_kind,
    links.source_link_kind,
    links.linked_ts,
    links.unlinked_ts,
    links.link_kind in ('escalation', 'problem') as is_escalation,
    cast(
        case
            when links.link_kind in ('escalation', 'problem')
                then
                    row_number() over (
                        partition by links.case_id, links.link_kind in ('escalation', 'problem')
                        order by
                            case when links.unlinked_ts is null then 0 else 1 end,
                            case when links.linked_ts is null then 1 else 0 end,
                            links.linked_ts,
                            links.linked_case_id,
                            links.link_kind
                    )
        end as bigint
    ) as escalation_number
from links
inner join staging.case_milestones as cases on links.intake_date = cases.intake_date and links.case_id = cases.case_id
