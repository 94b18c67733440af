-- The Spark SQL of sql/mart/satisfaction/bot_involvement.sql, written by `make docs`.
WITH replies AS (
  SELECT
    source,
    case_id,
    intake_date,
    BOOL_OR(signal = 'BOT_REPLY') AS is_bot_replied,
    BOOL_OR(signal = 'PUBLIC_REPLY') AS is_replied
  FROM staging.messages_deduped
  GROUP BY
    source,
    case_id,
    intake_date
), sources_with_bots AS (
  SELECT
    source
  FROM replies
  WHERE
    is_bot_replied
  UNION
  SELECT
    source
  FROM staging.case_source_facts
  WHERE
    is_bot_involved
), cases AS (
  SELECT
    milestones.source,
    COALESCE(facts.is_bot_involved, replies.is_bot_replied, FALSE) AS is_bot_involved,
    COALESCE(facts.is_bot_resolved, FALSE) AS is_bot_resolved,
    COALESCE(replies.is_replied, FALSE) AS is_replied,
    NOT milestones.is_open AND NOT milestones.is_cancelled AS is_resolved
  FROM sources_with_bots
  INNER JOIN staging.case_milestones AS milestones
    ON sources_with_bots.source = milestones.source
  LEFT JOIN replies
    ON milestones.case_id = replies.case_id
    AND milestones.intake_date = replies.intake_date
  LEFT JOIN staging.case_source_facts AS facts
    ON milestones.case_id = facts.case_id AND milestones.intake_date = facts.intake_date
), case_counts AS (
  SELECT
    source,
    is_bot_involved,
    COUNT(*) AS cases,
    COUNT(*) FILTER(WHERE
      is_bot_resolved) AS bot_resolved_cases,
    COUNT(*) FILTER(WHERE
      is_replied) AS replied_cases,
    COUNT(*) FILTER(WHERE
      is_resolved) AS resolved_cases
  FROM cases
  GROUP BY
    source,
    is_bot_involved
)
SELECT
  source,
  is_bot_involved,
  CAST(cases AS BIGINT) AS cases,
  CAST(bot_resolved_cases AS BIGINT) AS bot_resolved_cases,
  CAST(replied_cases AS BIGINT) AS replied_cases,
  CAST(resolved_cases AS BIGINT) AS resolved_cases,
  CAST(CAST(100.0 * bot_resolved_cases AS DOUBLE) / CAST(NULLIF(cases, 0) AS DOUBLE) AS DOUBLE) AS bot_resolved_pct,
  CAST(CAST(100.0 * replied_cases AS DOUBLE) / CAST(NULLIF(cases, 0) AS DOUBLE) AS DOUBLE) AS replied_pct,
  CAST(CAST(100.0 * resolved_cases AS DOUBLE) / CAST(NULLIF(cases, 0) AS DOUBLE) AS DOUBLE) AS resolved_pct
FROM case_counts
