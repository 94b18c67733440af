-- Where the hand-offs, direct returns or planned returns of the pairs are not those of the cases.
-- A failure means that hand-offs are lost or counted twice; look first at sql/staging/ownership/handoff_pairs.sql.
with pairs as (
    select
        coalesce(sum(team_handoff_count), 0) as team_handoff_count,
        coalesce(sum(returned_directly_count), 0) as returned_directly_count,
        coalesce(sum(planned_return_count), 0) as planned_return_count
    from mart.bounce_pairs
),

cases as (
    select
        coalesce(sum(team_handoff_count), 0) as team_handoff_count,
        coalesce(sum(return_direct_count), 0) as returned_directly_count,
        coalesce(sum(planned_return_count), 0) as planned_return_count
    from staging.ownership_cases
)

select
    pairs.team_handoff_count,
    cases.team_handoff_count as case_handoff_count,
    pairs.returned_directly_count,
    cases.returned_directly_count as case_return_count,
    pairs.planned_return_count,
    cases.planned_return_count as case_planned_return_count
from pairs
cross join cases
where
    pairs.team_handoff_count <> cases.team_handoff_count
    or pairs.returned_directly_count <> cases.returned_directly_count
    or pairs.planned_return_count <> cases.planned_return_count
