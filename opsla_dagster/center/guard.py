"""Who may ask, and how: every request passes here before any page is looked for.

Belongs here: methods, hosts, the token, bounds of a request, and the headers of every answer. Does not belong here: any figure.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from opsla_dagster.errors import OpslaError

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")
METHODS = ("GET", "HEAD")
#: Bytes of a path with its query: the whole state of a page is far shorter.
LONGEST_ADDRESS = 4096
#: A token that nobody guesses: 128 bits written in letters and digits have 22 of them.
SHORTEST_TOKEN = 20
HEADERS = {
    # No inline script and no inline style sheet; nothing from elsewhere; no page may show this one inside it. Style attributes are let through: the
    # report's sections place marks by them, at numbers that are computed here.
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self'; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # The ticket system does not learn what was looked at.
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?", re.IGNORECASE)


@dataclass(frozen=True)
class Access:
    """Names by which the centre may be called (a Host header with another one is refused), and the token that it asks for; empty: none."""

    hosts: frozenset[str]
    token: str = ""


def access(listening: str, named_hosts: Iterable[str], token: str) -> Access:
    """Who may ask a centre that listens at the address `listening`.

    Raises OpslaError where others than this machine could ask without a token, or by any name.
    """
    hosts = frozenset(host.strip().lower() for host in named_hosts)
    for host in hosts:
        if _HOST.fullmatch(host) is None or host.rpartition("]")[2].count(":"):
            raise OpslaError(f"--allow-host {host}: expected a name or address as browsers send it, without scheme, port and path, such as desk.example.com")
    if token and (len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable()):
        raise OpslaError(f"OPSLA_CENTER_TOKEN: expected at least {SHORTEST_TOKEN} printable ASCII characters; make one with: openssl rand -hex 16")
    if is_loopback(listening):
        return Access(hosts | frozenset(LOOPBACK_HOSTS), token)
    if not token:
        raise OpslaError(
            f"--host {listening}: others than this machine could read every case; set OPSLA_CENTER_TOKEN to a secret that they have to know "
            "(openssl rand -hex 16), or leave --host out"
        )
    if not hosts:
        raise OpslaError(f"--host {listening}: name what browsers call this machine, --allow-host desk.example.com; requests for any other name are refused")
    return Access(hosts | frozenset(LOOPBACK_HOSTS), token)


def root_path_of(path: str) -> str:
    """The path as addresses begin with it: `/desk`, or nothing. Raises OpslaError for what is no path."""
    root = path.rstrip("/")
    if root and re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", root) is None:
        raise OpslaError(f"--root-path {path}: expected a path such as /desk")
    return root


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Guard:
    """The outermost part of the application."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        refusal = self._refusal(scope)
        # What answers GET answers HEAD; the server sends no body for it.
        await (refusal or self._app)({**scope, "method": "GET"}, receive, send_guarded)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        if not self._is_allowed_host(headers.getlist("host")):
            return PlainTextResponse("This name is not one of the command centre's; whoever runs it can add it: opsla center --allow-host NAME\n", 421)
        if scope["method"] not in METHODS:
            return PlainTextResponse("The command centre only shows: GET and HEAD.\n", 405, {"allow": ", ".join(METHODS)})
        if len(scope["raw_path"]) + len(scope["query_string"]) > LONGEST_ADDRESS:
            return PlainTextResponse(f"This address is longer than {LONGEST_ADDRESS} bytes.\n", 414)
        if self._access.token and not self._is_known(headers.get("authorization", "")):
            return PlainTextResponse(
                "The command centre asks for its token: as the password of any user name, or as a bearer token.\n", 401,
                {"www-authenticate": 'Basic realm="opsla command centre", charset="UTF-8"'},
            )
        return None

    def _is_allowed_host(self, given: list[str]) -> bool:
        if len(given) != 1:
            return False
        matched = _HOST.fullmatch(given[0])
        return matched is not None and matched["name"].lower() in self._access.hosts

    def _is_known(self, authorization: str) -> bool:
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() == "basic":
            try:
                value = base64.b64decode(value, validate=True).decode("utf-8").partition(":")[2]
            except (binascii.Error, ValueError):
                return False
        elif scheme.lower() != "bearer":
            return False
        return hmac.compare_digest(value.strip().encode(), self._access.token.encode())
