-- Links as they were told that are no row here.
-- A failure means that a link is of a case that is not loaded; look first at the source that tells it (raw.case_links.source).
select
    told.source,
    told.case_id,
    told.linked_case_id,
    told.link_kind
from raw.case_links as told
left join staging.case_links as links
    on told.case_id = links.case_id and told.linked_case_id = links.linked_case_id and told.link_kind = links.link_kind
where
    told.intake_date >= $start_date
    and told.intake_date < $end_date
    and links.case_id is null
