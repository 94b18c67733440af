"""An account of a ticket system: its settings from what was said, whether it can be reached, and when its desk is open.

Belongs here: names of variables, one request, what went wrong with it, and the account's own schedule. Does not belong here: loading, secrets.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from typing import Any, TypeVar

from pydantic import ValidationError

from opsla_dagster.errors import OpslaError
from opsla_dagster.secrets import read_secret
from opsla_dagster.settings.calendars import Calendar
from opsla_dagster.settings.tickets import IntercomSettings, ZendeskSettings
from opsla_dagster.sources.bronze.http import HttpError, NoAnswerError
from opsla_dagster.sources.bronze.privacy import Pseudonyms
from opsla_dagster.starting.words import plain_name

Account = ZendeskSettings | IntercomSettings
AccountT = TypeVar("AccountT", ZendeskSettings, IntercomSettings)

#: Who has just been asked to wait long does not want to be asked to wait again.
_TRIES, _PATIENCE = 2, 1
_FLAGS = {
    "name": "--name", "subdomain": "--zendesk", "base_url": "--base-url", "email_variable": "--email-variable",
    "token_variable": "--token-variable", "pseudonym_key_variable": "--key-variable",
}


def zendesk_account(subdomain: str, name: str | None, base_url: str | None, variables: Mapping[str, str]) -> ZendeskSettings:
    """Raises OpslaError naming the flag of what is wrong. The address of the account will do for its subdomain."""
    short = subdomain.strip().lower().removeprefix("https://").split("/")[0].removesuffix(".zendesk.com")
    plain = plain_name(short)
    usual = plain if plain[:1].isalpha() else f"zendesk_{plain}".rstrip("_")
    return _checked(ZendeskSettings, {"type": "zendesk", "name": name or usual, "subdomain": short, "base_url": base_url, **variables})


def intercom_account(name: str | None, base_url: str | None, variables: Mapping[str, str]) -> IntercomSettings:
    """Raises OpslaError naming the flag of what is wrong."""
    address = {} if base_url is None else {"base_url": base_url}
    return _checked(IntercomSettings, {"type": "intercom", "name": name or "intercom", **address, **variables})


def _checked(model: type[AccountT], values: Mapping[str, Any]) -> AccountT:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        raise OpslaError(f"{_FLAGS[str(problem['loc'][0])]}: {problem['msg'].removeprefix('Value error, ')}") from None


def require_variables(account: Account) -> None:
    """Raises OpslaError naming every environment variable that is missing, in one message."""
    named = [value for field, value in account if field.endswith("_variable")]
    missing = [variable for variable in named if not read_secret(variable)]
    if missing:
        key = account.pseudonym_key_variable
        hint = f"; {key} is any text of 16 characters or more that you keep as you keep a password" if key in missing else ""
        raise OpslaError(f"not set in the environment: {', '.join(missing)}{hint}; set them and run this again")
    Pseudonyms(account.name, account.pseudonym_key_variable)


def require_connection(account: Account) -> None:
    """One cheap request. Raises OpslaError, without any secret, when the account does not answer it."""
    is_zendesk = isinstance(account, ZendeskSettings)
    credentials = " and ".join(value for field, value in account if field in {"email_variable", "token_variable"})
    try:
        _ask(account)
    except HttpError as error:
        if error.status in {401, 403}:
            right = "an admin's API token" if is_zendesk else "a token that may read conversations, admins and teams"
            raise OpslaError(f"{account.address} answered {error.status}: look at {credentials}; it wants {right}") from None
        if error.status == 404 or 300 <= error.status < 400:
            flag = "--zendesk SUBDOMAIN" if is_zendesk else "--base-url"
            raise OpslaError(f"{account.address} answered {error.status}: there is no such account; look at {flag}") from None
        raise
    except NoAnswerError as error:
        flag = "--zendesk SUBDOMAIN or --base-url" if is_zendesk else "--base-url"
        raise OpslaError(f"{account.address} cannot be reached ({error.problem}): look at the network, and at {flag}") from None


def default_schedule(account: Account) -> tuple[str, Calendar] | None:
    """Name and hours of the schedule that a Zendesk account goes by where nothing names another one; None where it has none.

    Raises OpslaError for a schedule that cannot be read.
    """
    if not isinstance(account, ZendeskSettings):
        return None
    from opsla_dagster.sources.bronze.loading import NOT_THERE
    from opsla_dagster.sources.zendesk.load import schedules_of, zendesk_api
    from opsla_dagster.sources.zendesk.schedules import schedules_as_calendars

    try:
        with closing(zendesk_api(account)) as api:
            api.attempts, api.patience = _TRIES, _PATIENCE
            schedules = schedules_as_calendars(account.name, [json.dumps(schedule) for schedule in schedules_of(api)])
    except HttpError as error:
        if error.status not in NOT_THERE:
            raise
        return None
    return next(iter(schedules.values()), None)


def sla_policies_of(account: Account) -> list[dict[str, Any]]:
    """The SLA policies of a Zendesk account, as it tells them; none where it has none, or its API user may not see them."""
    if not isinstance(account, ZendeskSettings):
        return []
    from opsla_dagster.sources.bronze.loading import NOT_THERE, records_of
    from opsla_dagster.sources.zendesk.load import zendesk_api

    try:
        with closing(zendesk_api(account)) as api:
            api.attempts, api.patience = _TRIES, _PATIENCE
            return records_of(api.get("/api/v2/slas/policies.json").content, "sla_policies")
    except HttpError as error:
        if error.status not in NOT_THERE:
            raise
        return []


def _ask(account: Account) -> None:
    # What loads is slow to import: dlt comes along.
    if isinstance(account, ZendeskSettings):
        from opsla_dagster.sources.zendesk.load import ask_for_a_ticket, zendesk_api

        with closing(zendesk_api(account)) as api:
            api.attempts, api.patience = _TRIES, _PATIENCE
            ask_for_a_ticket(api)
    else:
        from opsla_dagster.sources.intercom.load import ask_for_a_team, intercom_api

        with closing(intercom_api(account)) as api:
            api.attempts, api.patience = _TRIES, _PATIENCE
            ask_for_a_team(api)
