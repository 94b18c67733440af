-- The Spark SQL of sql/mart/links/case_links.sql, written by `make docs`.
WITH links AS (
  SELECT
    links.*,
    CASE
      WHEN links.linked_ts < cases.intake_ts
      THEN cases.intake_ts
      ELSE links.linked_ts
    END AS linked_at
  FROM staging.case_links AS links
  INNER JOIN staging.case_milestones AS cases
    ON links.intake_date = cases.intake_date AND links.case_id = cases.case_id
), held_spans AS (
  SELECT
    links.case_id,
    links.linked_case_id,
    links.link_kind,
    COALESCE(spans.calendar_seconds, 0) AS calendar_seconds,
    CASE
      WHEN NOT spans.ended_at IS NULL
      THEN NULL
      WHEN spans.started_at >= links.linked_at
      THEN spans.started_at
      ELSE links.linked_at
    END AS going_on_since_at,
    CASE
      WHEN spans.ended_at <= links.linked_at
      THEN spans.calendar_seconds
      WHEN spans.started_at >= links.linked_at
      THEN 0
      ELSE CAST(UNIX_MICROS(CAST(links.linked_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) - CAST(UNIX_MICROS(CAST(spans.started_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
    END AS before_seconds
  FROM links
  INNER JOIN staging.ownership_spans AS spans
    ON links.intake_date = spans.intake_date AND links.case_id = spans.case_id
  WHERE
    NOT links.linked_at IS NULL
    AND (
      NOT spans.ended_at IS NULL OR spans.is_open
    )
    AND spans.state <> 'done'
), held_times AS (
  SELECT
    case_id,
    linked_case_id,
    link_kind,
    SUM(before_seconds) AS before_seconds,
    SUM(
      CASE
        WHEN NOT going_on_since_at IS NULL
        THEN 0
        ELSE calendar_seconds - before_seconds
      END
    ) AS after_seconds,
    MAX(going_on_since_at) AS going_on_since_at
  FROM held_spans
  GROUP BY
    case_id,
    linked_case_id,
    link_kind
), teams AS (
  SELECT
    links.case_id,
    links.linked_case_id,
    links.link_kind,
    MAX(stints.team) AS team_at_link
  FROM links
  INNER JOIN staging.ownership_stints AS stints
    ON links.intake_date = stints.intake_date
    AND links.case_id = stints.case_id
    AND stints.started_at <= links.linked_at
    AND (
      stints.ended_at IS NULL OR stints.ended_at > links.linked_at
    )
  GROUP BY
    links.case_id,
    links.linked_case_id,
    links.link_kind
)
SELECT
  links.source,
  links.case_id,
  links.intake_date,
  links.linked_case_id,
  links.link_kind,
  links.source_link_kind,
  links.linked_ts,
  links.unlinked_ts,
  links.is_escalation,
  links.escalation_number,
  teams.team_at_link,
  CAST(CASE
    WHEN NOT links.linked_at IS NULL
    THEN COALESCE(held_times.before_seconds, 0)
  END AS BIGINT) AS held_before_link_calendar_seconds,
  CAST(CASE
    WHEN NOT links.linked_at IS NULL
    THEN COALESCE(held_times.after_seconds, 0)
  END AS BIGINT) AS held_after_link_calendar_seconds,
  CAST(held_times.going_on_since_at AS TIMESTAMP_NTZ) AS held_on_since_at,
  NOT linked_cases.case_id IS NULL AS is_linked_case_loaded,
  linked_cases.source AS linked_source,
  CASE WHEN linked_holders.team <> 'UNASSIGNED' THEN linked_holders.team END AS linked_team,
  linked_cases.is_open AS is_linked_case_open,
  linked_cases.ended_at AS linked_ended_at
FROM links
LEFT JOIN held_times
  ON links.case_id = held_times.case_id
  AND links.linked_case_id = held_times.linked_case_id
  AND links.link_kind = held_times.link_kind
LEFT JOIN teams
  ON links.case_id = teams.case_id
  AND links.linked_case_id = teams.linked_case_id
  AND links.link_kind = teams.link_kind
LEFT JOIN staging.case_milestones AS linked_cases
  ON links.linked_case_id = linked_cases.case_id
LEFT JOIN staging.ownership_stints AS linked_holders
  ON linked_cases.intake_date = linked_holders.intake_date
  AND linked_cases.case_id = linked_holders.case_id
  AND linked_holders.is_last
