"""`guardrail serve`: sockets, signals, draining. The whole command is tried in end_to_end."""

from __future__ import annotations

import asyncio
import signal
import socket
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from guardrail.cli import serve
from guardrail.domain.errors import BadConfig
from guardrail.server.house import Doors
from guardrail.settings import LimitSettings, Settings


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def made(drain_s: float = 30.0, inside: int = 0) -> tuple[serve._Server, Any]:
    settings = Settings(limits=LimitSettings(drain_s=drain_s))
    house: Any = SimpleNamespace(settings=settings, doors=Doors(4, inside))
    return serve._Server(serve._config(settings, nothing), house), house


async def begun(server: serve._Server, listener: socket.socket) -> asyncio.Task[None]:
    task = asyncio.get_running_loop().create_task(server.serve([listener]))
    while not server.started:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.01)
    return task


def port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


def test_an_address_that_is_free() -> None:
    with serve.bound("localhost", 0) as listener:
        assert listener.family is socket.AF_INET
        with socket.socket() as client, pytest.raises(ConnectionRefusedError):
            client.connect(listener.getsockname())  # bound, and nobody is served yet


def test_an_address_that_is_taken() -> None:
    with serve.bound("127.0.0.1", 0) as taken:
        taken.listen()
        with pytest.raises(BadConfig) as refused:
            serve.bound("127.0.0.1", port_of(taken))
    assert refused.value.code == "cannot_listen"


def test_an_address_that_is_not_ours() -> None:
    with pytest.raises(BadConfig) as refused:
        serve.bound("192.0.2.1", 0)
    assert "192.0.2.1:0" in refused.value.message


async def test_a_signal_closes_the_doors_and_ends_in_order() -> None:
    before = signal.getsignal(signal.SIGTERM)
    server, house = made()
    with serve.bound("127.0.0.1", 0) as listener:
        task = await begun(server, listener)
        signal.raise_signal(signal.SIGTERM)
        assert house.doors.closing
        async with asyncio.timeout(10):
            await task  # returns: the signal was not raised again
    assert signal.getsignal(signal.SIGTERM) is before


async def test_it_listens_as_long_as_exchanges_run() -> None:
    server, house = made(inside=1)
    with serve.bound("127.0.0.1", 0) as listener:
        base = f"http://127.0.0.1:{port_of(listener)}"
        task = await begun(server, listener)
        server.handle_exit(signal.SIGTERM, None)
        await asyncio.sleep(0.3)
        async with httpx.AsyncClient() as client:
            assert (await client.get(base)).status_code == 204
        house.doors.inside = 0
        async with asyncio.timeout(10):
            await task
        async with httpx.AsyncClient() as client:
            with pytest.raises(httpx.ConnectError):
                await client.get(base)


async def test_draining_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "LAST_WORDS_S", 0.2)
    server, _ = made(drain_s=0.2, inside=1)
    with serve.bound("127.0.0.1", 0) as listener:
        task = await begun(server, listener)
        server.handle_exit(signal.SIGTERM, None)
        async with asyncio.timeout(10):
            await task
    assert server.config.timeout_graceful_shutdown == 0


async def test_whoever_is_cut_off_leaves_his_record_first() -> None:
    """Also after a second Ctrl-C, where uvicorn neither waits nor cancels."""
    server, house = made(inside=1)
    told: list[str] = []

    async def exchange() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0.2)
            told.append("recorded")
        house.doors.inside = 0

    with serve.bound("127.0.0.1", 0) as listener:
        task = await begun(server, listener)
        running = asyncio.get_running_loop().create_task(exchange())
        server.server_state.tasks.add(running)
        server.handle_exit(signal.SIGINT, None)
        server.handle_exit(signal.SIGINT, None)
        async with asyncio.timeout(10):
            await task
    assert told == ["recorded"]


async def test_another_server_beside_it() -> None:
    with serve.bound("127.0.0.1", 0) as listener:
        base = f"http://127.0.0.1:{port_of(listener)}"
        async with serve._beside(serve._config(Settings(), nothing), listener):
            async with httpx.AsyncClient() as client:
                for _ in range(100):
                    try:
                        answer = await client.get(base)
                        break
                    except httpx.ConnectError:
                        await asyncio.sleep(0.02)
            assert answer.status_code == 204
        async with httpx.AsyncClient() as client:
            with pytest.raises(httpx.ConnectError):
                await client.get(base)
