-- One row is what Intercom tells of a case that no clock asks for, known from the conversation's last update on. Of its five faces the upper
-- two are good, as Intercom reports them, the middle one is neutral. A case without a value in a dimension has a row without one.
with stated as (
    select
        used_cases.case_id,
        used_cases.intake_date,
        used_cases.updated_ts as known_ts,
        used_cases.payload,
        used_cases.payload ->> '$.ai_agent.resolution_state' as resolution_state,
        used_cases.payload ->> '$.teammates.teammates[*].id' as teammates,
        coalesce(try_cast(used_cases.payload ->> '$.ai_agent_participated' as boolean), false) as has_ai_agent,
        (
            select count(*)
            from comments
            where comments.case_id = used_cases.case_id and comments.signal = 'BOT_REPLY'
        ) as bot_replies
    from used_cases
),

told as (
    select
        case_id,
        intake_date,
        known_ts,
        unnest([
            {'fact': 'rating', 'value_text': null, 'value_number': try_cast(payload ->> '$.conversation_rating.rating' as double)},
            {
                'fact': 'rating_verdict',
                'value_text': case
                    when try_cast(payload ->> '$.conversation_rating.rating' as double) >= 4 then 'good'
                    when try_cast(payload ->> '$.conversation_rating.rating' as double) > 2 then 'neutral'
                    when try_cast(payload ->> '$.conversation_rating.rating' as double) is not null then 'bad'
                end,
                'value_number': null
            },
            {'fact': 'bot_participated', 'value_text': null, 'value_number': cast(has_ai_agent or bot_replies > 0 as double)},
            {'fact': 'bot_replies', 'value_text': null, 'value_number': cast(bot_replies as double)},
            {
                'fact': 'bot_resolved', 'value_text': null,
                'value_number': case
                    when has_ai_agent or resolution_state is not null
                        then cast(coalesce(resolution_state in ('assumed_resolution', 'confirmed_resolution'), false) as double)
                end
            },
            {'fact': 'bot_resolution_state', 'value_text': resolution_state, 'value_number': null},
            {'fact': 'bot_rating', 'value_text': null, 'value_number': try_cast(payload ->> '$.ai_agent.rating' as double)},
            {'fact': 'handling_seconds', 'value_text': null, 'value_number': try_cast(payload ->> '$.statistics.handling_time' as double)},
            {
                'fact': 'active_handling_seconds', 'value_text': null,
                'value_number': try_cast(payload ->> '$.statistics.adjusted_handling_time' as double)
            },
            {'fact': 'median_reply_seconds', 'value_text': null, 'value_number': try_cast(payload ->> '$.statistics.median_time_to_reply' as double)},
            {'fact': 'reopens', 'value_text': null, 'value_number': try_cast(payload ->> '$.statistics.count_reopens' as double)},
            {'fact': 'assignments', 'value_text': null, 'value_number': try_cast(payload ->> '$.statistics.count_assignments' as double)},
            {'fact': 'sla_name', 'value_text': payload ->> '$.sla_applied.sla_name', 'value_number': null},
            {'fact': 'sla_status', 'value_text': payload ->> '$.sla_applied.sla_status', 'value_number': null},
            {
                'fact': 'teammates', 'value_text': nullif(array_to_string(list_sort(list_distinct(teammates)), ' '), ''),
                'value_number': case when len(teammates) > 0 then cast(len(list_distinct(teammates)) as double) end
            }
        ]) as pair
    from stated
)

select
    case_id,
    intake_date,
    known_ts,
    pair.fact as fact,
    pair.value_text as value_text,
    pair.value_number as value_number
from told
where pair.value_text is not null or pair.value_number is not null
union all
select
    used_cases.case_id,
    used_cases.intake_date,
    used_cases.updated_ts as known_ts,
    'dimension.' || dimension_attributes.dimension as fact,
    nullif(used_cases.payload -> '$.custom_attributes' ->> dimension_attributes.name, '') as value_text,
    cast(null as double) as value_number
from used_cases
cross join dimension_attributes
