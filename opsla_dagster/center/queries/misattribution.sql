-- One row is one scope of misattribution.
select
    scope,
    scope_value,
    cases,
    misattributed_cases,
    mostly_misattributed_cases,
    held_calendar_seconds,
    misattributed_calendar_seconds,
    done_calendar_seconds,
    misattributed_done_calendar_seconds,
    held_business_seconds,
    misattributed_business_seconds,
    misattributed_pct,
    misattributed_with_done_pct,
    misattributed_business_pct,
    misattributed_p50_pct,
    misattributed_p90_pct
from mart.misattribution
order by scope, scope_value
