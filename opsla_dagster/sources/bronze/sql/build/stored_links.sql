-- One row is a link of a case to another case or ticket, whether that is loaded or not.
select
    case_id,
    intake_date,
    linked_case_id,
    link_kind,
    source_link_kind,
    linked_ts,
    unlinked_ts
from case_links
order by intake_date, case_id, linked_case_id, link_kind
