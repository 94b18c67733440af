"""Links from a case to the ticket system that it comes from: `https://acme.zendesk.com/agent/tickets/{case_id}`.

Belongs here: what such a template may be, and the address that it gives for a case. Does not belong here: who shows it.
"""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator

CASE_ID = "{case_id}"


def _link(template: str) -> str:
    """The template as it is. Raises ValueError for what is no http address with the case in its path, query or fragment."""
    if not re.fullmatch(r"[\x21-\x7e]+", template):
        raise ValueError(f"{template!r} has spaces, control characters or letters beyond ASCII; write them percent-encoded")
    parts = urlsplit(template)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{template!r} is no http address; write one such as https://acme.zendesk.com/agent/tickets/{CASE_ID}")
    if "{" in parts.netloc or "@" in parts.netloc:
        raise ValueError(f"{template!r}: the host must be a fixed name without a user, {CASE_ID} belongs behind it")
    if CASE_ID not in template or re.search(r"[{}]", template.replace(CASE_ID, "")):
        raise ValueError(f"{template!r}: expected {CASE_ID} in it, and no other name in braces")
    return template


CaseLink = Annotated[str, AfterValidator(_link)]


def case_link(template: str, case_id: str, prefix: str = "") -> str:
    """The address of a case; `prefix` is what its source puts before the ids of the ticket system."""
    return template.replace(CASE_ID, quote(case_id.removeprefix(prefix), safe=""))
