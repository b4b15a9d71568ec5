"""`guardrail serve`: the server."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn

from guardrail.domain.errors import BadConfig
from guardrail.server.house import House
from guardrail.settings import Settings, load, servable
from guardrail.telemetry import logs

HEADER_BYTES = 65536
STOPS = (signal.SIGTERM, signal.SIGINT)
TICK_S = 0.05
LAST_WORDS_S = 5.0  # for those who are cut off to leave their record


def serve(
    upstream: Annotated[
        str | None, typer.Option(help="Base URL of the LLM, ending in /v1.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings file (guardrail.yaml).")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of ledger and keys.")] = None,
) -> None:
    """Guard an upstream LLM.

    Example: guardrail serve --upstream http://127.0.0.1:8000/v1
    """
    given = {"upstream.url": upstream, "host": host, "port": port, "data": data}
    settings = servable(load(config, overrides=given))
    run(settings)


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; running exchanges may finish for `limits.drain_s`."""
    logs.configure(settings.log_level)
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    async with contextlib.AsyncExitStack() as stack:
        main = stack.enter_context(bound(settings.host, settings.port))
        beside = settings.metrics_port
        ops = None if beside is None else stack.enter_context(bound(settings.host, beside))
        from guardrail.app import application, metrics_application, opened  # slow; see `check`

        house = await stack.enter_async_context(opened(settings))
        if ops is not None:
            config = _config(settings, metrics_application(house))
            await stack.enter_async_context(_beside(config, ops))
        server = _Server(_config(settings, application(house)), house)
        await server.serve(sockets=[main])


def bound(host: str, port: int) -> socket.socket:
    """A socket of this address that does not listen yet: that it is free is known before anything
    slow begins, and nobody connects before the house stands. Raises `BadConfig`."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, proto, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
        with contextlib.ExitStack() as undo:
            made = undo.enter_context(socket.socket(family, kind, proto))
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(address)
            undo.pop_all()
    except OSError as error:
        raise BadConfig(
            "cannot_listen",
            f"cannot listen on {host}:{port} ({error.strerror}).",
            "Choose another host or port, or end what uses it.",
        ) from None
    return made


class _Server(uvicorn.Server):
    """Turns readiness off at the first signal and goes on listening while exchanges run, so that
    probes read 503 and new exchanges are refused with words instead of a reset."""

    def __init__(self, config: uvicorn.Config, house: House) -> None:
        super().__init__(config)
        self._house = house

    def handle_exit(self, sig: int, frame: Any) -> None:  # noqa: ANN401 - uvicorn's signature
        self._house.doors.closing = True
        super().handle_exit(sig, frame)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but a signal is not raised once more at the end: that would kill us before
        the ledger and the upstream are closed, and an orderly end would not exit with 0."""
        before = {sig: signal.signal(sig, self.handle_exit) for sig in STOPS}
        try:
            yield
        finally:
            for sig, old in before.items():
                signal.signal(sig, old)

    async def shutdown(self, sockets: list[Any] | None = None) -> None:
        clock = asyncio.get_running_loop().time
        until = clock() + self._house.settings.limits.drain_s
        while self._house.doors.inside and clock() < until and not self.force_exit:  # noqa: ASYNC110 - as uvicorn does
            await asyncio.sleep(TICK_S)
        self.config.timeout_graceful_shutdown = max(0, int(until - clock()))
        await super().shutdown(sockets=sockets)
        await self._cut_off()

    async def _cut_off(self) -> None:
        """Exchanges that still run (uvicorn does not wait for those it cancels, and cancels none
        after a second Ctrl-C) leave their record before the ledger is closed under them."""
        for task in self.server_state.tasks:
            task.cancel()
        clock = asyncio.get_running_loop().time
        until = clock() + LAST_WORDS_S
        while self._house.doors.inside and clock() < until:  # noqa: ASYNC110 - as uvicorn does
            await asyncio.sleep(TICK_S)

    async def startup(self, sockets: list[Any] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            listening = self.servers[0].sockets[0].getsockname()
            logging.getLogger("guardrail.serve").info(
                "listening", extra={"fields": {"host": listening[0], "port": listening[1]}}
            )


def _config(settings: Settings, app: Any) -> uvicorn.Config:  # noqa: ANN401 - any ASGI app
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=int(settings.limits.drain_s),
        h11_max_incomplete_event_size=HEADER_BYTES,
        lifespan="off",
    )


@contextlib.asynccontextmanager
async def _beside(config: uvicorn.Config, listener: socket.socket) -> AsyncIterator[None]:
    """Another server as long as the main one runs; the signals are the main one's."""
    server = uvicorn.Server(config)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(server._serve([listener]))  # noqa: SLF001 - `serve` takes signals
        try:
            yield
        finally:
            server.should_exit = True
            await task
