-- The Spark SQL of sql/staging/facts/case_source_facts.sql, written by `make docs`.
SELECT
  source,
  case_id,
  intake_date,
  CAST(MAX(value_number) FILTER(WHERE
    fact = 'rating') AS DOUBLE) AS rating_number,
  CAST(MAX(value_text) FILTER(WHERE
    fact = 'rating') AS STRING) AS rating_word,
  CAST(MAX(value_text) FILTER(WHERE
    fact = 'rating_verdict') AS STRING) AS rating_verdict,
  CAST(MAX(value_number) FILTER(WHERE
    fact = 'rating_offered') AS DOUBLE) > 0 AS is_rating_offered,
  CAST(MAX(value_number) FILTER(WHERE
    fact = 'bot_participated') AS DOUBLE) > 0 AS is_bot_involved,
  CAST(MAX(value_number) FILTER(WHERE
    fact = 'bot_resolved') AS DOUBLE) > 0 AS is_bot_resolved,
  CAST(MAX(value_number) FILTER(WHERE
    fact = 'bot_rating') AS DOUBLE) AS bot_rating_number,
  CAST(CAST(MAX(value_number) FILTER(WHERE
    fact = 'handling_seconds') AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS handling_calendar_minutes,
  CAST(MAX(value_text) FILTER(WHERE
    fact = 'sla_name') AS STRING) AS sla_name,
  CAST(ROUND(MAX(value_number) FILTER(WHERE
    fact = 'replies')) AS BIGINT) AS source_reply_count,
  CAST(ROUND(MAX(value_number) FILTER(WHERE
    fact = 'reopens')) AS BIGINT) AS source_reopen_count,
  CAST(ROUND(MAX(value_number) FILTER(WHERE
    fact = 'agent_stations')) AS BIGINT) AS source_agent_station_count,
  CAST(ROUND(MAX(value_number) FILTER(WHERE
    fact = 'team_stations')) AS BIGINT) AS source_team_station_count,
  CAST(MAX(value_number) FILTER(WHERE
    fact = 'first_reply_calendar_minutes') AS DOUBLE) AS source_first_reply_calendar_minutes,
  CAST(MAX(value_number) FILTER(WHERE
    fact = 'first_reply_business_minutes') AS DOUBLE) AS source_first_reply_business_minutes,
  CAST(MAX(value_number) FILTER(WHERE
    fact = 'first_resolution_calendar_minutes') AS DOUBLE) AS source_first_resolution_calendar_minutes,
  CAST(MAX(value_number) FILTER(WHERE
    fact = 'first_resolution_business_minutes') AS DOUBLE) AS source_first_resolution_business_minutes,
  CAST(MAX(value_number) FILTER(WHERE
    fact = 'full_resolution_calendar_minutes') AS DOUBLE) AS source_full_resolution_calendar_minutes,
  CAST(MAX(value_number) FILTER(WHERE
    fact = 'full_resolution_business_minutes') AS DOUBLE) AS source_full_resolution_business_minutes,
  CAST(MAX(value_number) FILTER(WHERE
    fact = 'agent_wait_calendar_minutes') AS DOUBLE) AS source_agent_wait_calendar_minutes,
  CAST(MAX(value_number) FILTER(WHERE
    fact = 'agent_wait_business_minutes') AS DOUBLE) AS source_agent_wait_business_minutes,
  CAST(MAX(value_number) FILTER(WHERE
    fact = 'requester_wait_calendar_minutes') AS DOUBLE) AS source_requester_wait_calendar_minutes,
  CAST(MAX(value_number) FILTER(WHERE
    fact = 'requester_wait_business_minutes') AS DOUBLE) AS source_requester_wait_business_minutes,
  CAST(MAX(value_number) FILTER(WHERE
    fact = 'on_hold_calendar_minutes') AS DOUBLE) AS source_on_hold_calendar_minutes,
  CAST(MAX(value_number) FILTER(WHERE
    fact = 'on_hold_business_minutes') AS DOUBLE) AS source_on_hold_business_minutes
FROM raw.source_facts
WHERE
  NOT STARTSWITH(fact, 'dimension.')
GROUP BY
  source,
  case_id,
  intake_date
