"""The code location of a desk whose night begins at SHORT_NIGHT (HH:MM, in the desk's zone), and is tried again one and two minutes later.

Belongs here: what tests of a real daemon start it with, since a real night takes twenty minutes. Does not belong here: any test.
"""

import os
from datetime import datetime, timedelta

import dagster as dg

from opsla_dagster.automation import schedule

_BEGINS_AT = datetime.strptime(os.environ["SHORT_NIGHT"], "%H:%M")
schedule.REFRESH_AT = _BEGINS_AT.time()
schedule.RETRY_AT = ((_BEGINS_AT + timedelta(minutes=1)).time(), (_BEGINS_AT + timedelta(minutes=2)).time())

from opsla_dagster import definitions  # noqa: E402

defs: dg.Definitions = definitions.defs
