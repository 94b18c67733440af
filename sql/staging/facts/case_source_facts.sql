-- One row is a case of which its source tells something that no clock asks for.
-- One column a fact of raw.source_facts, NULL where it is not told. What a source counted itself has source_ before its name, to stand beside
-- mart.case_facts (docs/decisions/0025-facts-of-a-case.md).
select
    source,
    case_id,
    intake_date,
    cast(max(value_number) filter (where fact = 'rating') as double) as rating_number,
    cast(max(value_text) filter (where fact = 'rating') as varchar) as rating_word,
    cast(max(value_text) filter (where fact = 'rating_verdict') as varchar) as rating_verdict,
    cast(max(value_number) filter (where fact = 'rating_offered') as double) > 0 as is_rating_offered,
    cast(max(value_number) filter (where fact = 'bot_participated') as double) > 0 as is_bot_involved,
    cast(max(value_number) filter (where fact = 'bot_resolved') as double) > 0 as is_bot_resolved,
    cast(max(value_number) filter (where fact = 'bot_rating') as double) as bot_rating_number,
    cast(max(value_number) filter (where fact = 'handling_seconds') / 60.0 as double) as handling_calendar_minutes,
    cast(max(value_text) filter (where fact = 'sla_name') as varchar) as sla_name,
    cast(max(value_number) filter (where fact = 'replies') as bigint) as source_reply_count,
    cast(max(value_number) filter (where fact = 'reopens') as bigint) as source_reopen_count,
    cast(max(value_number) filter (where fact = 'agent_stations') as bigint) as source_agent_station_count,
    cast(max(value_number) filter (where fact = 'team_stations') as bigint) as source_team_station_count,
    cast(max(value_number) filter (where fact = 'first_reply_calendar_minutes') as double) as source_first_reply_calendar_minutes,
    cast(max(value_number) filter (where fact = 'first_reply_business_minutes') as double) as source_first_reply_business_minutes,
    cast(max(value_number) filter (where fact = 'first_resolution_calendar_minutes') as double) as source_first_resolution_calendar_minutes,
    cast(max(value_number) filter (where fact = 'first_resolution_business_minutes') as double) as source_first_resolution_business_minutes,
    cast(max(value_number) filter (where fact = 'full_resolution_calendar_minutes') as double) as source_full_resolution_calendar_minutes,
    cast(max(value_number) filter (where fact = 'full_resolution_business_minutes') as double) as source_full_resolution_business_minutes,
    cast(max(value_number) filter (where fact = 'agent_wait_calendar_minutes') as double) as source_agent_wait_calendar_minutes,
    cast(max(value_number) filter (where fact = 'agent_wait_business_minutes') as double) as source_agent_wait_business_minutes,
    cast(max(value_number) filter (where fact = 'requester_wait_calendar_minutes') as double) as source_requester_wait_calendar_minutes,
    cast(max(value_number) filter (where fact = 'requester_wait_business_minutes') as double) as source_requester_wait_business_minutes,
    cast(max(value_number) filter (where fact = 'on_hold_calendar_minutes') as double) as source_on_hold_calendar_minutes,
    cast(max(value_number) filter (where fact = 'on_hold_business_minutes') as double) as source_on_hold_business_minutes
from raw.source_facts
where not starts_with(fact, 'dimension.')
group by source, case_id, intake_date
