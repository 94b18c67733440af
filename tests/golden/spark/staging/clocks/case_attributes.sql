-- The Spark SQL of sql/staging/clocks/case_attributes.sql, written by `make docs`.
WITH cases AS (
  SELECT
    *
  FROM staging.case_milestones
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), owners AS (
  SELECT
    case_id,
    NULLIF(team, 'UNASSIGNED') AS team,
    held_from_at,
    event_id
  FROM staging.ownership_spans
  WHERE
    intake_date >= :start_date AND intake_date < :end_date AND is_holding_start
), requested_attributes AS (
  SELECT
    attribute
  FROM staging.sla_policy_scopes
  UNION
  SELECT
    'team' AS attribute
  FROM staging.sla_metric_rules
  WHERE
    signal IN ('GROUP_ASSIGNED', 'GROUP_CHANGED')
  UNION
  SELECT
    'schedule' AS attribute
), traced_attributes AS (
  SELECT
    attribute
  FROM requested_attributes
  UNION
  SELECT
    'priority' AS attribute
  UNION
  SELECT
    'tier' AS attribute
  UNION
  SELECT
    'case_type' AS attribute
  UNION
  SELECT
    'channel' AS attribute
  UNION
  SELECT
    'region' AS attribute
  UNION
  SELECT
    'brand' AS attribute
), changes AS (
  SELECT
    changes.case_id,
    changes.attribute,
    changes.value,
    changes.previous_value,
    changes.changed_ts,
    changes.change_id,
    ROW_NUMBER() OVER (
      PARTITION BY changes.case_id, changes.attribute
      ORDER BY changes.changed_ts NULLS LAST, changes.source_sequence NULLS LAST, changes.change_id NULLS LAST
    ) AS change_number
  FROM raw.attribute_changes AS changes
  INNER JOIN traced_attributes
    ON changes.attribute = traced_attributes.attribute
  WHERE
    changes.intake_date >= :start_date
    AND changes.intake_date < :end_date
    AND changes.attribute <> 'team'
), first_changes AS (
  SELECT
    case_id,
    attribute,
    previous_value
  FROM changes
  WHERE
    change_number = 1
), latest_values AS (
  SELECT
    cases.case_id,
    cases.intake_ts,
    requested_attributes.attribute,
    CASE requested_attributes.attribute
      WHEN 'priority'
      THEN cases.priority
      WHEN 'tier'
      THEN cases.tier
      WHEN 'brand'
      THEN cases.brand
      WHEN 'region'
      THEN cases.region
      WHEN 'channel'
      THEN cases.channel
      WHEN 'case_type'
      THEN cases.case_type
      WHEN 'customer'
      THEN cases.customer
      WHEN 'tags'
      THEN cases.tags
      WHEN 'source'
      THEN cases.source
      WHEN 'initiated_by'
      THEN cases.initiated_by
    END AS value
  FROM cases
  INNER JOIN requested_attributes
    ON NOT requested_attributes.attribute IN ('team', 'schedule')
), values_at_intake AS (
  SELECT
    latest_values.case_id,
    latest_values.attribute,
    CASE
      WHEN first_changes.case_id IS NULL
      THEN latest_values.value
      ELSE first_changes.previous_value
    END AS value,
    latest_values.intake_ts
  FROM latest_values
  LEFT JOIN first_changes
    ON latest_values.case_id = first_changes.case_id
    AND latest_values.attribute = first_changes.attribute
  UNION ALL
  SELECT
    first_changes.case_id,
    first_changes.attribute,
    first_changes.previous_value AS value,
    cases.intake_ts
  FROM first_changes
  INNER JOIN cases
    ON first_changes.case_id = cases.case_id
  LEFT JOIN requested_attributes
    ON first_changes.attribute = requested_attributes.attribute
  WHERE
    requested_attributes.attribute IS NULL OR first_changes.attribute = 'schedule'
), told_values AS (
  SELECT
    case_id,
    attribute,
    value,
    intake_ts AS told_at,
    CAST(0 AS BIGINT) AS change_number,
    CAST(NULL AS STRING) AS event_id
  FROM values_at_intake
  UNION ALL
  SELECT
    changes.case_id,
    changes.attribute,
    changes.value,
    CASE
      WHEN changes.changed_ts < cases.intake_ts
      THEN cases.intake_ts
      ELSE changes.changed_ts
    END AS told_at,
    changes.change_number,
    changes.change_id AS event_id
  FROM changes
  INNER JOIN cases
    ON changes.case_id = cases.case_id
  UNION ALL
  SELECT
    owners.case_id,
    requested_attributes.attribute,
    owners.team AS value,
    owners.held_from_at AS told_at,
    ROW_NUMBER() OVER (PARTITION BY owners.case_id ORDER BY owners.held_from_at NULLS LAST) AS change_number,
    owners.event_id
  FROM owners
  INNER JOIN requested_attributes
    ON requested_attributes.attribute = 'team'
), told_values_with_next AS (
  SELECT
    *,
    LEAD(told_at) OVER (PARTITION BY case_id, attribute ORDER BY change_number NULLS LAST) AS next_told_at
  FROM told_values
), told_values_with_previous AS (
  SELECT
    *,
    LAG(change_number) OVER (PARTITION BY case_id, attribute ORDER BY change_number NULLS LAST) IS NULL AS is_first,
    LAG(value) OVER (PARTITION BY case_id, attribute ORDER BY change_number NULLS LAST) AS previous_value
  FROM told_values_with_next
  WHERE
    next_told_at IS NULL OR next_told_at > told_at
), attribute_validity AS (
  SELECT
    case_id,
    attribute,
    value,
    told_at AS valid_from_at,
    LEAD(told_at) OVER (PARTITION BY case_id, attribute ORDER BY change_number NULLS LAST) AS valid_to_at,
    event_id
  FROM told_values_with_previous
  WHERE
    is_first OR value IS DISTINCT FROM previous_value
)
SELECT
  cases.source,
  attribute_validity.case_id,
  cases.intake_date,
  attribute_validity.attribute,
  attribute_validity.value,
  attribute_validity.valid_from_at,
  attribute_validity.valid_to_at,
  attribute_validity.event_id
FROM attribute_validity
INNER JOIN cases
  ON attribute_validity.case_id = cases.case_id
