"""How an API is asked: patiently."""

from __future__ import annotations

import time

import pytest
from fake_server import FakeServer, Request, Response, busy

from opsla_dagster.errors import OpslaError
from opsla_dagster.sources.bronze.http import Api


class Echo(FakeServer):
    """Answers with the path that was asked for."""

    def answer(self, request: Request) -> Response:
        return Response({"path": request.path})


@pytest.mark.parametrize("header", ["Retry-After", "ratelimit-reset", "X-RateLimit-Reset"])
def test_who_is_told_to_wait_a_second_waits_it(header: str) -> None:
    server = Echo()
    server.faults = [busy(1, header)]
    with server.running():
        answer = Api("acme", server.address).get("/tickets")
    assert answer.content == {"path": "/tickets"}
    assert server.paths() == ["/tickets"] * 2, "asked again before the second was over"


def test_an_instant_is_waited_for_by_the_server_s_clock_and_said_without_the_token(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Intercom tells when its window of ten seconds is over, in seconds since 1970; our own clock may be years off."""
    waits: list[float] = []
    monkeypatch.setattr("opsla_dagster.sources.bronze.http.time.sleep", waits.append)
    server = Echo()
    server.clock = 1_487_332_503.0
    answers = iter([("X-RateLimit-Reset", "1487332510"), ("X-RateLimit-Reset", "1487332500"), ("X-RateLimit-Reset", "soon"), ("Retry-After", "a day")])
    server.faults = [lambda _number, _request: next((Response({}, 429, dict([told])) for told in answers), None)]
    with server.running():
        assert Api("chat", server.address, secrets=("s3cret",)).get("/me").content == {"path": "/me"}
    assert waits == [7.0, 1.0, 60.0, 60.0], "gone by: a second; unreadable: a minute"
    assert [record.getMessage() for record in caplog.records if record.name.startswith("opsla_dagster")] == [
        "source chat: too many requests (429): waits 7 s, as told by X-RateLimit-Reset"
    ], "once a minute is enough"


def test_who_is_told_to_wait_for_ever_gives_up_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opsla_dagster.sources.bronze.http.time.sleep", lambda _seconds: None)
    monkeypatch.setattr(Api, "patience", 3)
    server = Echo()
    server.clock = time.time()
    server.faults = [lambda _number, _request: Response({}, 429, {"X-RateLimit-Reset": str(int(time.time()) + 9)})]
    with server.running(), pytest.raises(OpslaError, match=r"no usable answer after 3 tries \(the last one: 429, too many requests, told to wait (8|9|10) s by X-RateLimit-Reset\)"):
        Api("chat", server.address).get("/me")
