"""The whole service: wires the store, the way in, the forwarders and the pages; starts and stops them in order."""

import asyncio
import signal
import socket
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import structlog
import uvicorn

from . import __version__, log, notify
from .config.config import Config
from .forward.starting import start
from .ingest.ingest import Ingest
from .retention import Plan, Upkeep
from .sensorthings_api.live import Live
from .status import ServiceState
from .store import Store, StoreError
from .texts import both, os_reason
from .web import app as web
from .web.listen import NoAddress, listen
from .web.memory import frugal
from .web.protocol import Protocol

_STOP_S = 20.0
_PATIENCE_S = 15.0

_log = structlog.get_logger(__name__)


def run(config: Config) -> int:
    """Runs until SIGTERM or SIGINT; the exit code. 1: the store can't be opened or another has it, or the address."""
    frugal()
    log.setup(config.log.level, config.log.format)
    with ExitStack() as held:
        try:
            _make_folder(config)
            store = Store.open(config.store_place, alone=True)
            held.callback(store.close)
            sockets = [held.enter_context(one) for one in listen(config.http)]
        except (StoreError, NoAddress) as error:
            _log.error("not started", reason=str(error))
            return 1
        return asyncio.run(_serve(ServiceState(config, store, started=time.time()), sockets))


def _make_folder(config: Config) -> None:
    """The store's, and the one for releases; StoreError names the setting."""
    folder = Path(config.gateway.data) if config.store.url else config.store_path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        setting = "store.path" if config.store.path else "gateway.data"
        raise StoreError(
            both(
                f"{setting}: der Ordner {folder} lässt sich nicht anlegen ({os_reason(error)}); einen anderen nennen.",
                f"{setting}: the folder {folder} can't be made ({error.strerror}); name another one.",
            )
        ) from None


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the service stops it after the rest."""

    def install_signal_handlers(self) -> None: ...


async def _serve(state: ServiceState, sockets: list[socket.socket]) -> int:
    config, store = state.config, state.store
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    pages = f"http://{config.http.host}:{config.http.port}/"
    _log.info("starts", version=__version__, store=store.database.name, pages=pages)
    ingest = Ingest(config, store, state.ingest)
    ingest.start()
    upkeep = Upkeep(Plan(config.retention, store, list(config.forward)))
    upkeep.start()
    state.forwarders = list(start(config, store))
    senders = [*state.forwarders]
    if config.sensorthings_api.mqtt:
        senders.append(Live(config, store, state.stations))
    senders.append(state.office)
    tasks = [asyncio.create_task(_forward(sender, stop)) for sender in senders]
    server = _make_server(state)
    serving = asyncio.create_task(server._serve(sockets))
    beats = asyncio.create_task(_watch(state, ingest))
    await stop.wait()
    notify.stopping("stopping")
    _log.info("stops")
    for sender in senders:
        sender.stop()
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=_STOP_S / 2)
        for task in late:
            task.cancel()
    await asyncio.to_thread(upkeep.stop, _STOP_S)
    await asyncio.to_thread(ingest.stop, _STOP_S)
    beats.cancel()
    server.should_exit = True
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(serving, _STOP_S)
    return 0


def _make_server(state: ServiceState) -> _Server:
    return _Server(
        uvicorn.Config(
            web.app(state),
            http=Protocol,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=3,
            server_header=False,
            # Who asks is what a proxy on this machine says, and nobody else.
            forwarded_allow_ips=["127.0.0.1", "::1"],
        )
    )


async def _forward(forwarder: Any, stop: asyncio.Event) -> None:
    """One target. Its troubles are its own: a mistake in one stops neither the others nor the way in."""
    while not stop.is_set():
        try:
            await forwarder.run()
            return
        except Exception:  # noqa: BLE001  (whatever it is, the others go on)
            _log.exception("a part begins again", part=getattr(forwarder, "name", ""))
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(stop.wait(), 30)


async def _watch(state: ServiceState, ingest: Ingest) -> None:
    """READY once messages come and the store took a write; then the watchdog, as long as everything works.

    A broker that is away is said, not waited for: systemd would end a service that never gets ready, again and again,
    and with it the pages that say why.
    """
    pause = notify.watchdog_seconds()
    began = time.monotonic()
    said = False
    while True:
        if not said and (ingest.ready.is_set() or time.monotonic() - began > _PATIENCE_S):
            said = True
            notify.ready(state.ingest.trouble or f"takes messages from {state.config.mqtt.host}")
            _log.info("ready", broker=state.ingest.trouble or "connected")
        wrong = state.healthy(time.monotonic()) if ingest.alive else ["The thread that takes messages in has ended."]
        if pause is not None and not wrong:
            notify.alive(state.ingest.trouble or "takes messages")
        await asyncio.sleep(0.05 if not said else min(pause or 5.0, 5.0))
