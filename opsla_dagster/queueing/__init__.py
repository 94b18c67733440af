"""A queue as plain numbers: jobs, heads and a policy in; when each job was begun and done out.

Belongs here: the discrete-event simulation on the business-time axis, the policies it can follow, closed forms that say the same where
there is one, and random streams to draw jobs from. Does not belong here: where jobs and heads come from (tables, config), what an answer is
used for (areas `worklist`, `staffing`), DuckDB, Dagster.

- `jobs`: what goes in and comes out, and what is refused.
- `simulation`: `simulate` (a policy that ranks jobs once) and `simulate_picks` (a policy that looks at the whole line at every pick).
- `policies`: first in first out, strict priority, earliest due date, weight per work, the index and its guard.
- `orders`: what those are called that a desk can follow.
- `closed_forms`: M/M/c (Erlang C), M/G/1 (Pollaczek-Khinchine), M/M/c with impatient callers (Erlang A).
- `streams`: arrivals and works drawn once, so that two plans meet the same ones (common random numbers).

**Time** is a number of business seconds since an origin that the caller chooses; closed hours do not exist on this axis. The rule, and what
happens to work in hand at the end of a shift: docs/decisions/0044-next-best-ticket.md.
"""
