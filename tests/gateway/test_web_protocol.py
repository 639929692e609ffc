"""Connections that ask nothing, or take nothing of their answer, end; others are served meanwhile."""

import socket
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bordstein_gateway.web import protocol as web_protocol
from tests.gateway.loopback import Loopback
from tests.street.processes import until

LARGE = b"x" * (8 << 20)


class Server(Loopback):
    """With the gateway's protocol."""

    def settings(self) -> uvicorn.Config:
        return uvicorn.Config(
            self.app,
            port=self.port,
            http=web_protocol.Protocol,
            log_config=None,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )

    @property
    def connections(self) -> set[Any]:
        return self._server.server_state.connections

    def connected(self, request: bytes = b"") -> socket.socket:
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.settimeout(60)
        one.connect(("127.0.0.1", self.port))
        one.sendall(request)
        return one


async def large(_request: Request) -> Response:
    return Response(LARGE)


async def small(_request: Request) -> Response:
    return Response("here")


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def everything(one: socket.socket) -> bytes:
    """All until its end."""
    found = b""
    with one:
        while part := one.recv(1 << 20):
            found += part
    return found


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    app = Starlette(routes=[Route("/large", large), Route("/small", small)])
    with Server(app) as server:
        assert isinstance(server, Server)
        yield server


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_protocol, "PATIENCE_S", 0.3)


@pytest.mark.parametrize("begun", [b"", b"GET /small HTTP/1.1\r\nHost: x\r\n"])
def test_a_connection_without_a_request_ends(server: Server, hurried: None, begun: bytes) -> None:
    assert everything(server.connected(begun)) == b""


def test_a_second_request_that_never_ends_ends_the_connection(server: Server, hurried: None) -> None:
    answer = everything(server.connected(get("/small") + b"GET /small HTTP/1.1\r\n"))
    assert answer.count(b"HTTP/1.1 200") == 1 and answer.endswith(b"here")


def test_an_answer_that_is_not_taken_ends(server: Server, hurried: None) -> None:
    with server.connected(get("/large")) as one:
        assert one.recv(12) == b"HTTP/1.1 200"
        assert until(lambda: not server.connections, 60)


def test_who_takes_it_gets_all_of_it(server: Server) -> None:
    assert len(httpx2.get(f"{server.url}/large", timeout=60).content) == len(LARGE)


def test_there_are_only_so_many_connections(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_protocol, "MOST", 2)
    assert until(lambda: not server.connections, 60)
    with server.connected(), server.connected():
        assert until(lambda: len(server.connections) == 2, 60)
        assert everything(server.connected()) == b""
    assert until(lambda: not server.connections, 60)
    assert httpx2.get(f"{server.url}/small", timeout=60).text == "here"


def test_of_too_much_that_waits_the_longest_goes(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    assert until(lambda: not server.connections, 60)
    with server.connected(get("/large")) as first:
        assert first.recv(12) == b"HTTP/1.1 200"
        (one,) = server.connections
        assert until(lambda: one.transport.get_write_buffer_size() > 1 << 20, 60)
        monkeypatch.setattr(web_protocol, "MOST_BYTES", one.transport.get_write_buffer_size() + 1000)
        with server.connected(get("/large")) as second:
            assert second.recv(12) == b"HTTP/1.1 200"
            assert until(lambda: len(server.connections) == 1, 60)
            assert len(everything(second)) > len(LARGE) - 100_000
