"""The code location that Dagster loads.

Belongs here: the lines below. Does not belong here: anything else (build.py).
"""

from opsla_dagster.build import build_definitions

try:
    defs = build_definitions()
except Exception as error:
    # No sensor and no schedule is left to tell of it.
    from opsla_dagster.automation.unattended import tell_of_configuration

    tell_of_configuration(error)
    raise
