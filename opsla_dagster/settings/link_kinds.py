"""Kinds of links from a case to another case or ticket. Rules: docs/decisions/0048-links-between-cases.md.

Belongs here: the closed list. Does not belong here: which word of a source is which kind.
"""

from __future__ import annotations

from typing import Literal, get_args

#: escalation: another team or desk works on the case in a ticket of its own; problem: the case is an incident of that problem; follow_up: it goes on from
#: that case, which had ended; parent: it is a part of that case; related: anything else.
LinkKind = Literal["escalation", "problem", "follow_up", "parent", "related"]
LINK_KINDS: tuple[str, ...] = get_args(LinkKind)
