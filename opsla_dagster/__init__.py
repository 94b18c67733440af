"""opsla: SLA truth from the event log of a support or operations desk.

Rooms look only downwards: cli, definitions -> running -> build -> automation, reporting -> assets -> checks, sources
-> warehouse, instance -> catalog, calendars -> settings; `status`, `window` and `errors` are below all of them
(docs/decisions/0010-rooms.md). Belongs here: the version, and the settings that must hold before Dagster is imported. Does not belong
here: anything that a room could hold.
"""

import gc
import os

__version__ = "0.2.0"

# Dagster reads this once, when a run starts; without it the batched event store is inert (docs/decisions/0002).
os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", "10000")
# A tick that plans a refresh reads the log; Dagster itself gives it a minute.
os.environ.setdefault("DAGSTER_SCHEDULE_GRPC_TIMEOUT_SECONDS", "900")
os.environ.setdefault("DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS", "900")

# Importing Dagster makes a million objects that live as long as the process; looking through them again and again is a tenth of a run.
gc.set_threshold(50_000, 10, 10)
