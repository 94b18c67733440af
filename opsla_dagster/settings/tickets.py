"""Accounts of ticket systems in sources.yml: Zendesk and Intercom.

Belongs here: the shape of such a source and its defaults. Does not belong here: asking an API, or what a status becomes.

Secrets are never part of the document: it names the environment variables that hold them.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from opsla_dagster.settings.base import Document, VariableName
from opsla_dagster.settings.case_links import CaseLink
from opsla_dagster.status import Status

#: Also a part of asset keys and file names.
AccountName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Subdomain = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]

ZENDESK_STATUSES: Mapping[str, Status] = {
    "new": Status.INTAKE,
    "open": Status.INVESTIGATION,
    "pending": Status.CUSTOMER_WAIT,
    "hold": Status.ON_HOLD,
    "solved": Status.RESOLVED,
    "closed": Status.CLOSED,
    "deleted": Status.CANCELLED,
}
#: `unassigned` is an open conversation that no admin holds; the others are Intercom's own words.
INTERCOM_STATUSES: Mapping[str, Status] = {
    "unassigned": Status.INTAKE,
    "open": Status.INVESTIGATION,
    "snoozed": Status.ON_HOLD,
    "closed": Status.RESOLVED,
    "deleted": Status.CANCELLED,
}


def _safe_address(value: str) -> str:
    """Credentials travel with every request: in the clear only to this machine."""
    parts = urlsplit(value)
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.username or parts.query:
        raise ValueError("expected an address such as https://acme.zendesk.com, without user, password or query")
    if parts.scheme == "http" and not _is_this_machine(parts.hostname):
        raise ValueError("expected https: credentials would travel in the clear")
    return value.rstrip("/")


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _field_id(value: object) -> object:
    """Custom field ids are numbers in the source's own screens."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


WebAddress = Annotated[str, AfterValidator(_safe_address)]
#: A number, or a name.
BotName = Annotated[str, BeforeValidator(_field_id), StringConstraints(strip_whitespace=True, min_length=1)]
FieldId = Annotated[str, BeforeValidator(_field_id), StringConstraints(pattern=r"^[0-9]+$")]


#: Names that dimensions have already, or that policies may ask for.
_TAKEN = frozenset({
    "all", "queue", "root_cause_stage", "root_cause_owner", "source", "schedule", "initiated_by", "category",
    "priority", "tier", "team", "agent", "case_type", "brand", "region", "channel", "customer", "tags",
})


def _free_name(value: str) -> str:
    if value in _TAKEN:
        raise ValueError("this dimension is there already; give yours another name")
    return value


DimensionName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$"), AfterValidator(_free_name)]
#: Where a dimension of Zendesk's tickets comes from: a custom field by its number, the form, a field of the organisation by its key.
ZendeskDimension = Annotated[
    str, BeforeValidator(_field_id), StringConstraints(pattern=r"^([0-9]+|form|organization\.[A-Za-z0-9_]+)$")
]
#: A custom attribute, by its name.
AttributeName = Annotated[str, StringConstraints(min_length=1)]


class AccountSettings(Document):
    """What accounts of every ticket system have in common."""

    name: AccountName
    enabled: bool = True
    #: Environment variable with the key of the pseudonyms that stand for people.
    pseudonym_key_variable: VariableName
    #: First day of the backfill; without it, the desk's first day. Cases from before it are not part of the desk.
    start_date: date | None = None
    #: Free text (subjects, descriptions, comments) is dropped unless asked for.
    keep_text: bool = False
    #: Who the pseudonyms of agents are, written at every load to <home>/names/, for `opsla agents` alone.
    keep_names: bool = False
    case_id_prefix: str = ""
    #: Where a case is in the ticket system, for the command centre; {case_id} stands for its id without the prefix.
    case_link: CaseLink | None = None

    def first_day(self, desk_start: date) -> date:
        """The first intake date whose cases are known as a whole."""
        return max(self.start_date or desk_start, desk_start)

    def backfill_start(self, desk_start: date) -> date:
        return self.start_date or desk_start

    def mapping_fingerprint(self, desk_timezone: str) -> str:
        """Identity of what the rows mean; where they come from, and since when, is no part of it."""
        meaning: dict[str, Any] = self.model_dump(mode="json", exclude=_NO_MEANING)
        meaning["desk_timezone"] = desk_timezone
        return hashlib.sha256(repr(sorted(_flat(meaning))).encode()).hexdigest()[:16]


_NO_MEANING = {
    "enabled", "case_link", "start_date", "base_url", "subdomain", "slice_pages", "slice_hours", "keep_text", "keep_names", "pseudonym_key_variable",
    "email_variable", "token_variable",
}


def _flat(value: object, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], str]]:
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in _flat(item, (*path, str(key)))]
    return [(path, repr(value))]


_OF_ORGANIZATION = "organization."


class ZendeskSettings(AccountSettings):
    """A Zendesk Support account. Rules: docs/decisions/0016-ticket-systems.md."""

    type: Literal["zendesk"]
    subdomain: Subdomain | None = None
    base_url: WebAddress | None = None
    #: Environment variables with the e-mail of the API user, and its API token.
    email_variable: VariableName
    token_variable: VariableName
    #: Requests after which what was fetched is stored.
    slice_pages: Annotated[int, Field(ge=1, le=100)] = 10
    #: Also the agent's label of a custom status; without one of its own it is what its category is.
    statuses: Mapping[str, Status] = {}
    #: How a schedule counts that changes while a target runs. `last`, as Zendesk counts: all of it by the last one.
    schedule_change: Literal["in_force", "last"] = "last"
    #: Agents whose public comments are a bot's, by number or name; without it, agents whose names contain the word bot.
    bots: tuple[BotName, ...] | None = None
    #: Custom fields, by their number.
    tier_field: FieldId | None = None
    case_type_field: FieldId | None = None
    region_from: Literal["brand", "group", "organization"] | FieldId | None = None
    #: What else cases are told apart by. Stored from the next load on: tickets that do not change afterwards have none.
    dimensions: Mapping[DimensionName, ZendeskDimension] = {}

    @model_validator(mode="after")
    def _has_an_address(self) -> ZendeskSettings:
        if self.subdomain is None and self.base_url is None:
            raise ValueError("write the subdomain (acme for acme.zendesk.com), or base_url")
        return self

    @property
    def address(self) -> str:
        return self.base_url or f"https://{self.subdomain}.zendesk.com"

    @property
    def all_statuses(self) -> dict[str, Status]:
        """The source's own word -> canonical status; what the document says wins over the defaults."""
        return {**ZENDESK_STATUSES, **self.statuses}

    @property
    def custom_fields(self) -> frozenset[str]:
        """The custom fields that are kept; the others may hold anything."""
        named = {self.tier_field, self.case_type_field, self.region_from, *self.dimensions.values()}
        return frozenset(field for field in named if field is not None and field.isdigit())

    @property
    def organization_fields(self) -> frozenset[str]:
        """The keys of the fields of organisations that are kept."""
        return frozenset(place.removeprefix(_OF_ORGANIZATION) for place in self.dimensions.values() if place.startswith(_OF_ORGANIZATION))

    @property
    def dimension_places(self) -> list[tuple[str, str, str]]:
        """(dimension, custom | form | organization, number or key of the field)."""
        return [
            (name, "organization", place.removeprefix(_OF_ORGANIZATION)) if place.startswith(_OF_ORGANIZATION)
            else (name, "form" if place == "form" else "custom", place)
            for name, place in self.dimensions.items()
        ]


class IntercomSettings(AccountSettings):
    """An Intercom workspace. Rules: docs/decisions/0016-ticket-systems.md."""

    type: Literal["intercom"]
    base_url: WebAddress = "https://api.intercom.io"
    #: Environment variable with the access token.
    token_variable: VariableName
    #: Hours of updates after which what was fetched is stored.
    slice_hours: Annotated[int, Field(ge=1, le=24 * 31)] = 24
    statuses: Mapping[str, Status] = {}
    #: Custom attributes of conversations, by name; the region may also be the team or the company.
    tier_attribute: str | None = None
    case_type_attribute: str | None = None
    region_from: str | None = None
    #: What else cases are told apart by: custom attributes by name. Stored from the next load on.
    dimensions: Mapping[DimensionName, AttributeName] = {}
    #: Admins that are bots, by name, address or number: what they write stops only clocks that name BOT_REPLY. Intercom's own operator and
    #: its AI agent are known as such. Taken from the next load on.
    bots: tuple[str, ...] = ()
    #: The metric that Intercom's verdict is set beside. It is one for all targets of a policy, so by default it is compared with all of the
    #: case's promises together; to be named where every policy of the workspace has the same single target.
    sla_metric: Literal["any", "first_reply", "next_reply", "first_resolution", "total_resolution"] = "any"

    @property
    def address(self) -> str:
        return self.base_url

    @property
    def all_statuses(self) -> dict[str, Status]:
        """The source's own word -> canonical status; what the document says wins over the defaults."""
        return {**INTERCOM_STATUSES, **self.statuses}

    @property
    def custom_attributes(self) -> frozenset[str]:
        """The custom attributes that are kept; the others may hold anything."""
        region = None if self.region_from in ("team", "company") else self.region_from
        named = {self.tier_attribute, self.case_type_attribute, region, *self.dimensions.values()}
        return frozenset(name for name in named if name is not None)
