"""How an API is asked: patiently."""

from __future__ import annotations

import pytest
from fake_server import FakeServer, Request, Response, busy

from opsla_dagster.sources.bronze.http import Api


class Echo(FakeServer):
    """Answers with the path that was asked for."""

    def answer(self, request: Request) -> Response:
        return Response({"path": request.path})


@pytest.mark.parametrize("header", ["Retry-After", "ratelimit-reset"])
def test_who_is_told_to_wait_a_second_waits_it(header: str) -> None:
    server = Echo()
    server.faults = [busy(1, header)]
    with server.running():
        answer = Api("acme", server.address).get("/tickets")
    assert answer.content == {"path": "/tickets"}
    assert server.paths() == ["/tickets"] * 2, "asked again before the second was over"
