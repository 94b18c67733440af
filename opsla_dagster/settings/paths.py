"""Paths and addresses in configuration: what of them comes from the environment.

Belongs here: `${NAME}` and `${NAME:-default}`. Does not belong here: secrets (secrets.py); a path has none.
"""

from __future__ import annotations

import os
import re

from opsla_dagster.errors import OpslaError

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def expanded(path: str, place: str) -> str:
    """The path with the values of its variables. Raises OpslaError, which names the `place` in the configuration, for one that is not set."""

    def value(match: re.Match[str]) -> str:
        name, default = match.groups()
        found: str | None = os.environ.get(name) or default
        if found is None:
            raise OpslaError(f"{place}: {path!r} wants the environment variable {name}, which is not set; set it, or write the path itself")
        return found

    return _VARIABLE.sub(value, path)
