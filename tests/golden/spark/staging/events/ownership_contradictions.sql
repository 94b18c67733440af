-- The Spark SQL of sql/staging/events/ownership_contradictions.sql, written by `make docs`.
WITH changed_cases AS (
  SELECT DISTINCT
    case_id,
    attribute
  FROM raw.attribute_changes
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND attribute IN ('team', 'agent')
), told_values AS (
  SELECT
    changes.source,
    changes.case_id,
    changes.intake_date,
    changes.attribute,
    changes.changed_ts AS told_at,
    changes.source_sequence,
    changes.change_id AS event_id,
    changes.value,
    changes.previous_value,
    TRUE AS is_change
  FROM raw.attribute_changes AS changes
  WHERE
    changes.intake_date >= :start_date
    AND changes.intake_date < :end_date
    AND changes.attribute IN ('team', 'agent')
  UNION ALL
  SELECT
    events.source,
    events.case_id,
    events.intake_date,
    changed_cases.attribute,
    events.canonical_ts AS told_at,
    events.source_sequence,
    events.event_id,
    CASE WHEN changed_cases.attribute = 'team' THEN events.team ELSE events.agent END AS value,
    CAST(NULL AS STRING) AS previous_value,
    FALSE AS is_change
  FROM staging.events_clean AS events
  INNER JOIN changed_cases
    ON events.case_id = changed_cases.case_id
  WHERE
    events.intake_date >= :start_date
    AND events.intake_date < :end_date
    AND NOT CASE WHEN changed_cases.attribute = 'team' THEN events.team ELSE events.agent END IS NULL
), chained_values AS (
  SELECT
    *,
    LAG(value) OVER (
      PARTITION BY case_id, attribute
      ORDER BY told_at NULLS LAST, source_sequence NULLS LAST, is_change DESC, event_id NULLS LAST
    ) AS value_before,
    ROW_NUMBER() OVER (
      PARTITION BY case_id, attribute
      ORDER BY told_at NULLS LAST, source_sequence NULLS LAST, is_change DESC, event_id NULLS LAST
    ) AS place
  FROM told_values
)
SELECT
  source,
  case_id,
  intake_date,
  event_id AS change_id,
  told_at AS changed_ts,
  attribute,
  previous_value AS told_previous_value,
  value_before AS known_previous_value,
  value
FROM chained_values
WHERE
  is_change AND place > 1 AND previous_value IS DISTINCT FROM value_before
