"""Rows of the area `links` that are made in Python: what the sources tell of links between cases.

Belongs here: one entry a table. Does not belong here: how a source reads them.
"""

from __future__ import annotations

from opsla_dagster.assets.sources import of_cases
from opsla_dagster.sources.desk import Desk

LINKS = {"raw.case_links": of_cases(Desk.case_links)}
