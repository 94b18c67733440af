-- One row is what Zendesk tells of a case that no clock asks for: its rating, known from when it was given, and its metric set, known from the
-- set's last change on. A rating is a word; whether a comment came with it is not told. Minutes are whole ones, business minutes of the account's
-- schedule. A case without a value in a dimension has a row without one.
with tickets_rated as (
    select
        case_id,
        ticket_id,
        intake_date,
        updated_ts,
        regexp_replace(payload ->> '$.satisfaction_rating.score', '_with(out)?_comment$', '') as score,
        nullif(payload ->> '$.satisfaction_rating.reason', '') as reason
    from used_cases
),

score_changes as (
    select
        ticket_id,
        regexp_replace(value, '_with(out)?_comment$', '') as score,
        max(at_ts) as scored_ts
    from history
    where field = 'satisfaction_score' and is_usable_instant(at_ts)
    group by all
),

ratings as (
    select
        tickets_rated.case_id,
        tickets_rated.intake_date,
        coalesce(score_changes.scored_ts, tickets_rated.updated_ts) as known_ts,
        unnest([
            {'fact': 'rating', 'value_text': case when score in ('good', 'bad') then score end, 'value_number': null},
            {'fact': 'rating_verdict', 'value_text': case when score in ('good', 'bad') then score end, 'value_number': null},
            {'fact': 'rating_reason', 'value_text': case when score in ('good', 'bad') then reason end, 'value_number': null},
            {
                'fact': 'rating_offered', 'value_text': null,
                'value_number': case
                    when score in ('good', 'bad', 'offered') then cast(1 as double)
                    when score = 'unoffered' then cast(0 as double)
                end
            }
        ]) as pair
    from tickets_rated
    left join score_changes using (ticket_id, score)
),

metric_sets as (
    select
        used_cases.case_id,
        used_cases.intake_date,
        coalesce(instant(sets.payload ->> '$.updated_at'), used_cases.updated_ts) as known_ts,
        sets.payload
    from landed_metric_sets as sets
    inner join used_cases on sets.payload ->> '$.ticket_id' = used_cases.ticket_id
    qualify row_number() over (partition by used_cases.case_id order by known_ts desc, sets.id desc) = 1
),

measured as (
    select
        case_id,
        intake_date,
        known_ts,
        unnest([
            {'fact': 'replies', 'number': payload ->> '$.replies'},
            {'fact': 'reopens', 'number': payload ->> '$.reopens'},
            {'fact': 'agent_stations', 'number': payload ->> '$.assignee_stations'},
            {'fact': 'team_stations', 'number': payload ->> '$.group_stations'},
            {'fact': 'first_reply_calendar_minutes', 'number': payload ->> '$.reply_time_in_minutes.calendar'},
            {'fact': 'first_reply_business_minutes', 'number': payload ->> '$.reply_time_in_minutes.business'},
            {'fact': 'first_resolution_calendar_minutes', 'number': payload ->> '$.first_resolution_time_in_minutes.calendar'},
            {'fact': 'first_resolution_business_minutes', 'number': payload ->> '$.first_resolution_time_in_minutes.business'},
            {'fact': 'full_resolution_calendar_minutes', 'number': payload ->> '$.full_resolution_time_in_minutes.calendar'},
            {'fact': 'full_resolution_business_minutes', 'number': payload ->> '$.full_resolution_time_in_minutes.business'},
            {'fact': 'agent_wait_calendar_minutes', 'number': payload ->> '$.agent_wait_time_in_minutes.calendar'},
            {'fact': 'agent_wait_business_minutes', 'number': payload ->> '$.agent_wait_time_in_minutes.business'},
            {'fact': 'requester_wait_calendar_minutes', 'number': payload ->> '$.requester_wait_time_in_minutes.calendar'},
            {'fact': 'requester_wait_business_minutes', 'number': payload ->> '$.requester_wait_time_in_minutes.business'},
            {'fact': 'on_hold_calendar_minutes', 'number': payload ->> '$.on_hold_time_in_minutes.calendar'},
            {'fact': 'on_hold_business_minutes', 'number': payload ->> '$.on_hold_time_in_minutes.business'}
        ]) as pair
    from metric_sets
)

select
    case_id,
    intake_date,
    known_ts,
    pair.fact as fact,
    pair.value_text as value_text,
    cast(pair.value_number as double) as value_number
from ratings
where pair.value_text is not null or pair.value_number is not null
union all
select
    case_id,
    intake_date,
    known_ts,
    pair.fact as fact,
    cast(null as varchar) as value_text,
    try_cast(pair.number as double) as value_number
from measured
where try_cast(pair.number as double) is not null
union all
select
    used_cases.case_id,
    used_cases.intake_date,
    used_cases.updated_ts as known_ts,
    'dimension.' || dimension_fields.dimension as fact,
    nullif(
        case dimension_fields.kind
            when 'custom' then used_cases.payload ->> ('$.custom_fields."' || dimension_fields.field || '"')
            when 'form' then coalesce(forms.payload ->> '$.name', used_cases.payload ->> '$.ticket_form_id')
            when 'organization' then organizations.payload ->> ('$.organization_fields."' || dimension_fields.field || '"')
        end,
        ''
    ) as value_text,
    cast(null as double) as value_number
from used_cases
cross join dimension_fields
left join landed_ticket_forms as forms on used_cases.payload ->> '$.ticket_form_id' = forms.id
left join landed_organizations as organizations on used_cases.payload ->> '$.organization_id' = organizations.id
