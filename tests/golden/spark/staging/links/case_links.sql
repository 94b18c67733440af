-- The Spark SQL of sql/staging/links/case_links.sql, written by `make docs`.
WITH links AS (
  SELECT
    case_id,
    intake_date,
    linked_case_id,
    link_kind,
    MIN(source_link_kind) AS source_link_kind,
    MIN(linked_ts) AS linked_ts,
    CASE WHEN COUNT(*) = COUNT(unlinked_ts) THEN MAX(unlinked_ts) END AS unlinked_ts
  FROM raw.case_links
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    case_id,
    intake_date,
    linked_case_id,
    link_kind
)
SELECT
  cases.source,
  links.case_id,
  links.intake_date,
  links.linked_case_id,
  links.link_kind,
  links.source_link_kind,
  links.linked_ts,
  links.unlinked_ts,
  links.link_kind IN ('escalation', 'problem') AS is_escalation,
  CAST(CASE
    WHEN links.link_kind IN ('escalation', 'problem')
    THEN ROW_NUMBER() OVER (
      PARTITION BY links.case_id, links.link_kind IN ('escalation', 'problem')
      ORDER BY CASE WHEN links.unlinked_ts IS NULL THEN 0 ELSE 1 END NULLS LAST, CASE WHEN links.linked_ts IS NULL THEN 1 ELSE 0 END NULLS LAST, links.linked_ts NULLS LAST, links.linked_case_id NULLS LAST, links.link_kind NULLS LAST
    )
  END AS BIGINT) AS escalation_number
FROM links
INNER JOIN staging.case_milestones AS cases
  ON links.intake_date = cases.intake_date AND links.case_id = cases.case_id
