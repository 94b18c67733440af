"""The code location that Dagster loads.

Belongs here: the one line below. Does not belong here: anything else (build.py).
"""

from opsla_dagster.build import build_definitions

defs = build_definitions()
