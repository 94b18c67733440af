-- One row: the instant that the pages show unless they are asked for another, why, between which instants something is known, and what verdicts are as of.
select
    now_at,
    now_reason,
    known_until_at,
    first_intake_date,
    as_of_at
from mart.desk_now
