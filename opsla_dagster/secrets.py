"""Secrets: read through `dg.EnvVar` where they are used, and nowhere else.

Belongs here: reading one. Does not belong here: which there are; config documents name the variables that hold them.
"""

from __future__ import annotations

import dagster as dg


def read_secret(variable: str) -> str:
    """What the environment variable holds, without white space around it; empty when it is not set."""
    return (dg.EnvVar(variable).get_value() or "").strip()
