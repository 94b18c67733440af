-- Cases whose verdicts rest on what is left of their records, others being rejected.
-- A failure means that a clock may be breached that was met, or met that was breached: opsla explain CASE has the records and why; look first at what is mistyped in the source, or at its mapping.
select
    source,
    case_id,
    intake_date,
    rejected_records
from mart.incomplete_cases
