"""The code location that Dagster loads."""

from opsla_dagster.build import build_definitions

defs = build_definitions()
