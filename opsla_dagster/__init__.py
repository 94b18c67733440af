"""opsla: SLA truth from the event log of a support or operations desk.

Rooms look only downwards: cli, definitions -> build -> assets, automation, reporting -> checks, sources
-> warehouse -> catalog -> settings. `errors` and `window` are below all of them.
"""

import os

# Dagster reads this once, when a run starts; without it the batched event store is inert (docs/decisions/0002).
os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", "10000")
