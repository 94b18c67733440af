"""A web server on this machine that plays a ticket system's API, and fails as real ones do.

Belongs here: serving, faults, what was asked. Does not belong here: any one API.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Request:
    """What was asked."""

    method: str
    path: str
    query: dict[str, list[str]]
    body: dict[str, Any]
    headers: dict[str, str]

    def one(self, name: str, default: str = "") -> str:
        return self.query.get(name, [default])[0]


@dataclass
class Response:
    """What is answered; `cut` breaks the connection in the middle of the body."""

    content: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


#: Answers instead of the API, or lets it answer (None). Is told the number of the request, from 1.
Fault = Callable[[int, Request], Response | None]


class FakeServer:
    """Serves `answer` until it is stopped."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        #: Seconds by which the server's clock differs from ours.
        self.clock: float | None = None
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None

    def answer(self, request: Request) -> Response:
        raise NotImplementedError

    @property
    def address(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_port}"

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    @contextmanager
    def running(self) -> Iterator[FakeServer]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 65_536  # head and body in one piece

            def do_GET(self) -> None:
                self._serve("GET")

            def do_POST(self) -> None:
                self._serve("POST")

            def _serve(self, method: str) -> None:
                parts = urlsplit(self.path)
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                request = Request(method, parts.path, parse_qs(parts.query), json.loads(raw or b"{}"), dict(self.headers))
                with fake._lock:
                    fake.requests.append(request)
                    number = len(fake.requests)
                    told = (fault(number, request) for fault in fake.faults)
                    response = next((one for one in told if one is not None), None) or fake.answer(request)
                self._send(response)

            def _send(self, response: Response) -> None:
                content = json.dumps(response.content).encode()
                self.send_response_only(response.status)
                self.send_header("Date", formatdate(fake.clock, usegmt=True))
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                for name, value in response.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content[: len(content) // 2] if response.cut else content)
                self.wfile.flush()
                self.close_connection = response.cut

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


def once(at: int, response: Response, path: str = "") -> Fault:
    """A fault at the `at`-th request whose path begins with `path`."""
    seen = 0

    def fault(_number: int, request: Request) -> Response | None:
        nonlocal seen
        if not request.path.startswith(path):
            return None
        seen += 1
        return response if seen == at else None

    return fault


def always(response: Response, path: str) -> Fault:
    """A fault at every request whose path begins with `path`."""
    return lambda _number, request: response if request.path.startswith(path) else None


def busy(seconds: int, header: str = "Retry-After") -> Fault:
    """Says at the first request for how long to wait, and refuses whoever asks again before that is over."""
    free_at: float | None = None

    def fault(_number: int, _request: Request) -> Response | None:
        nonlocal free_at
        now = time.monotonic()
        if free_at is None:
            free_at = now + seconds
        return Response({"error": "TooManyRequests"}, 429, {header: str(seconds)}) if now < free_at else None

    return fault
