"""Asking a ticket system's API, patiently.

Belongs here: requests, waiting when told to, trying again, errors without secrets. Does not belong here: what is asked for.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from opsla_dagster.errors import OpslaError, PassingError

_TIMEOUT_SECONDS = (10, 120)
#: Answers that may be another one a little later.
_PASSING = frozenset({408, 409, 500, 502, 503, 504})
_LONGEST_WAIT_SECONDS = 900.0
_LONGEST_ERROR_CHARACTERS = 80
#: Numbers from here on are seconds since 1970; nobody is told to wait for decades.
_FIRST_EPOCH_SECOND = 1_000_000_000
#: How long nothing more is said of waiting.
_QUIET_SECONDS = 60.0
_log = logging.getLogger(__name__)

Parameters = Mapping[str, str | int | list[str]]


class HttpError(OpslaError):
    """The API said no; `status` is its answer, `code` its word for it."""

    def __init__(self, message: str, status: int, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class NoAnswerError(PassingError):
    """No answer could be had; `problem` is why the last try failed, in a word."""

    def __init__(self, message: str, problem: str) -> None:
        super().__init__(message)
        self.problem = problem


@dataclass(frozen=True)
class Answer:
    """A JSON object, and when the server says it gave it (UTC, naive): our own clock may be wrong."""

    content: dict[str, Any]
    server_at: datetime


class Api:
    """One account's API. Only paths below `address` are asked for: credentials go nowhere else.

    `secrets` are never shown; `hint` says what to look at when access is refused.
    """

    attempts = 6
    first_wait_seconds = 0.5
    #: Times it is told to wait before it gives up.
    patience = 30

    def __init__(
        self, account: str, address: str, *, headers: Mapping[str, str] | None = None, login: tuple[str, str] | None = None,
        secrets: tuple[str, ...] = (), hint: str = "",
    ) -> None:
        self._account = account
        self._address = address.rstrip("/")
        self._secrets = tuple(sorted((secret for secret in secrets if secret), key=len, reverse=True))
        self._hint = hint
        self._session = requests.Session()
        self._session.trust_env = False  # no credentials from a .netrc; proxies are named by base_url
        self._session.headers.update({"Accept": "application/json", **(headers or {})})
        self._session.auth = login
        self._silent_until = 0.0

    def get(self, path: str, parameters: Parameters | None = None) -> Answer:
        """Raises HttpError for a refusal, NoAnswerError when no answer can be had."""
        return self._ask("GET", path, parameters, None)

    def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        """As `get`; only for searches, which may be repeated."""
        return self._ask("POST", path, None, body)

    def close(self) -> None:
        self._session.close()

    def _ask(self, method: str, path: str, parameters: Parameters | None, body: Mapping[str, Any] | None) -> Answer:
        failures, waits, problem = 0, 0, ""
        while failures < self.attempts and waits < self.patience:
            try:
                response = self._session.request(
                    method, f"{self._address}{path}", params=dict(parameters or {}), json=body, timeout=_TIMEOUT_SECONDS,
                    allow_redirects=False,
                )
                if response.status_code == 429:
                    waits += 1
                    wait, told_by = _told_to_wait(response.headers, default=60.0)
                    problem = f"429, too many requests, told to wait {wait:.0f} s by {told_by}"
                    self._say_that_it_waits(wait, told_by)
                    time.sleep(wait)
                    continue
                if response.status_code not in _PASSING:
                    return self._answer(response, method, path)
                problem = f"{response.status_code}"
                wait, _ = _told_to_wait(response.headers, default=0.0)
            except (requests.RequestException, ValueError) as error:
                problem, wait = type(error).__name__, 0.0
            failures += 1
            if failures < self.attempts:
                time.sleep(max(wait, self.first_wait_seconds * 2 ** (failures - 1)))
        problem = self._without_secrets(problem)
        raise NoAnswerError(
            f"source {self._account}: {method} {path}: no usable answer after {failures + waits} tries (the last one: {problem}); "
            "what was loaded before stays, run the load again",
            problem,
        )

    def _say_that_it_waits(self, seconds: float, told_by: str) -> None:
        """On standard error, where no other handler is; at most once a minute, since a limit may count by ten seconds."""
        now = time.monotonic()
        if now >= self._silent_until:
            self._silent_until = now + _QUIET_SECONDS
            _log.warning("source %s: too many requests (429): waits %.0f s, as told by %s", self._account, seconds, told_by)

    def _answer(self, response: requests.Response, method: str, path: str) -> Answer:
        if response.status_code == 200:
            content = response.json()
            if not isinstance(content, dict):
                raise ValueError("not a JSON object")
            return Answer(content, _server_time(response.headers))
        code = self._without_secrets(_error_code(response))
        hint = f"; {self._hint}" if response.status_code in {401, 403} and self._hint else ""
        raise HttpError(
            f"source {self._account}: {method} {path}: answered {response.status_code}{f' {code}' if code else ''}{hint}",
            response.status_code, code,
        )

    def _without_secrets(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text[:_LONGEST_ERROR_CHARACTERS]


def _told_to_wait(headers: Mapping[str, str], default: float) -> tuple[float, str]:
    """Seconds, and the header that tells them: seconds, a date, or an instant since 1970. Instants are by the server's clock, not by ours."""
    for name in ("Retry-After", "X-RateLimit-Reset", "ratelimit-reset"):
        seconds = _seconds_until(headers.get(name), _server_time(headers))
        if seconds is not None:
            return min(max(seconds, 0.0), _LONGEST_WAIT_SECONDS), name
    return default, "nobody"


def _seconds_until(told: str | None, now: datetime) -> float | None:
    """None for what is neither seconds nor an instant. An instant that has gone by is a second away: the server's clock may be coarse."""
    if told is None:
        return None
    try:
        number = float(told)
    except ValueError:
        try:
            return (parsedate_to_datetime(told).astimezone(UTC).replace(tzinfo=None) - now).total_seconds()
        except (ValueError, TypeError):
            return None
    if not math.isfinite(number):
        return None
    if number < _FIRST_EPOCH_SECOND:
        return number
    return max(number - now.replace(tzinfo=UTC).timestamp(), 1.0)


def _server_time(headers: Mapping[str, str]) -> datetime:
    try:
        return parsedate_to_datetime(headers["Date"]).astimezone(UTC).replace(tzinfo=None)
    except (KeyError, ValueError, TypeError):
        return datetime.now(UTC).replace(tzinfo=None)


def _error_code(response: requests.Response) -> str:
    """The word of an error, never its description: that may repeat what was sent."""
    try:
        content = json.loads(response.content)
    except ValueError:
        return ""
    if not isinstance(content, dict):
        return ""
    error = content.get("error")
    errors = content.get("errors")
    if isinstance(error, dict):
        error = error.get("title") or error.get("code")
    if error is None and isinstance(errors, list) and errors and isinstance(errors[0], dict):
        error = errors[0].get("code")
    return error if isinstance(error, str) else ""
