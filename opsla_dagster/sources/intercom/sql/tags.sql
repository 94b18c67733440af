-- One row is a part that changed a conversation's tags, with the tags before and after it: those that stand now, less what later parts added
-- and with what they removed. Blanks separate tags, so those within a tag are underscores.
with changes as (
    select
        ticket_id,
        part_id,
        part_number,
        plain_tags(details ->> '$.tags_added[*]') as added,
        plain_tags(details ->> '$.tags_removed[*]') as removed
    from parts
    where part_type = 'conversation_tags_updated' and (json_array_length(details, '$.tags_added') > 0 or json_array_length(details, '$.tags_removed') > 0)
),

steps as (
    select ticket_id, part_number, unnest(added) as tag, true as is_added
    from changes
    union all
    select ticket_id, part_number, unnest(removed) as tag, false as is_added
    from changes
),

standing as (
    select ticket_id, unnest(plain_tags(payload ->> '$.tags.tags[*].name')) as tag
    from tickets
    where ticket_id in (select ticket_id from changes)
),

mentioned as (
    select ticket_id, tag from steps
    union
    select ticket_id, tag from standing
),

-- A tag is there between two parts if the next part that names it removes it; if none does, where it stands now.
held as (
    select
        changes.ticket_id,
        changes.part_id,
        mentioned.tag,
        coalesce(
            not arg_min(steps.is_added, steps.part_number) filter (steps.part_number >= changes.part_number), bool_or(standing.tag is not null)
        ) as is_there_before,
        coalesce(
            not arg_min(steps.is_added, steps.part_number) filter (steps.part_number > changes.part_number), bool_or(standing.tag is not null)
        ) as is_there_after
    from changes
    inner join mentioned using (ticket_id)
    left join steps on changes.ticket_id = steps.ticket_id and mentioned.tag = steps.tag
    left join standing on changes.ticket_id = standing.ticket_id and mentioned.tag = standing.tag
    group by changes.ticket_id, changes.part_id, changes.part_number, mentioned.tag
)

select
    ticket_id,
    part_id,
    string_agg(tag, ' ' order by tag) filter (is_there_before) as tags_before,
    string_agg(tag, ' ' order by tag) filter (is_there_after) as tags_after
from held
group by ticket_id, part_id
