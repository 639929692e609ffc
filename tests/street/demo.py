"""`make demo`: a virtual street on this machine, from the chips' registers to the town's servers.

Eight virtual boards run the real firmware in Unix-port MicroPython, their chips replay recorded measurements. They
publish over TLS to a real Mosquitto; the gateway stores and forwards to a SensorThings server and a webhook (every
reading), an NGSI-LD broker (the newest of each series) and an Open311 server (a request where a bay is taken or water
high). Beside them nine devices replay three days of a town, in which each of the seven rule sheets fires; the cases
are on the gateway's pages, for a login that is printed. At the end the sensors are switched off, everything that waits
is delivered, and what was taken is compared with what arrived. The last line is one JSON object, `forwarders` in it is
counted at the servers: Observations, events, updates of attributes, requests; `rules_fired`, `cases`, `mails`: of the
seven sheets; what they began; what desks were told. Exit code 0 if nothing was lost or doubled, and each sheet fired.
"""

import argparse
import contextlib
import json
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live

from tests.hardware.scenarios import BOARDS
from tests.street import table, work
from tests.street.chaos import Chaos, Victim
from tests.street.processes import NotReady
from tests.street.street import Street, Verdict

DRAIN_LIMIT_S = 120
REPLAY_S = 25
PIPE_EVERY_S = 10


class Demo:
    """The running street as a person watches it."""

    def __init__(self, street: Street, console: Console) -> None:
        self.street = street
        self.console = console
        self.begun = time.monotonic()
        self.notes: deque[str] = deque(maxlen=4)
        self.phase = "running"
        self._said = 0.0

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.begun

    def note(self, text: str) -> None:
        self.notes.append(f"{self.seconds:6.1f} s  {text}")

    def headline(self) -> str:
        return f"Bordstein, {self.phase} for {self.seconds:.0f} s"

    def show(self, live: Live | None) -> None:
        rows = self.street.rows()
        cases = self.street.work().line()
        if live is not None:
            notes = [cases, *self.notes]
            live.update(table.picture(rows, self.street.servers(), self.headline(), notes), refresh=True)
        elif time.monotonic() - self._said > PIPE_EVERY_S:
            self._said = time.monotonic()
            said = f"{table.progress(rows, self.headline())}; {cases}"
            self.console.print(said, highlight=False, soft_wrap=True)

    def watch(self, live: Live | None, until: threading.Event, seconds: float | None) -> None:
        """Show what happens until the event or the end of the time."""
        while not until.is_set() and (seconds is None or self.seconds < seconds):
            self.show(live)
            until.wait(0.5 if seconds is None else max(0.0, min(0.5, seconds - self.seconds)))


def victims(street: Street) -> list[Victim]:
    """Everything on the street that may be broken."""
    return [
        Victim("killed", "broker", street.broker.kill, street.broker.start),
        Victim("killed", "gateway", street.gateway.kill, lambda: street.gateway.start(wait=False)),
        *(Victim("power cut", board.name, board.cut_power, board.power_on) for board in street.boards),
        *(
            Victim("fault", f"{receiver.name} ({fault})", begin, receiver.mend, 3.0)
            for receiver in street.receivers
            for fault, begin in receiver.faults()
        ),
    ]


def run(street: Street, console: Console, seconds: float | None, chaos_seed: int | None) -> Verdict:
    """The measuring phase, with chaos or without, then the drain. A Ctrl-C ends the phase, a second one everything."""
    demo = Demo(street, console)
    stop = threading.Event()
    with contextlib.ExitStack() as stack:
        live = None
        if console.is_terminal:
            live = stack.enter_context(Live(console=console, auto_refresh=False, transient=False))
        for number in (signal.SIGINT, signal.SIGTERM):
            stack.callback(signal.signal, number, signal.signal(number, lambda *_: _stop_or_abort(stop)))
        chaos = None
        if chaos_seed is not None:
            chaos = Chaos(victims(street), chaos_seed, note=demo.note)
            chaos.start()
        try:
            demo.watch(live, stop, seconds)
        finally:
            if chaos is not None:
                chaos.stop()
        demo.phase = "delivering what waits"
        finished = threading.Event()
        drain = threading.Thread(target=lambda: (street.finish(DRAIN_LIMIT_S), finished.set()), daemon=True)
        drain.start()
        demo.watch(live, finished, None)
        demo.phase = "finished"
        demo.show(live)
    if chaos is not None:
        hits = ", ".join(f"{kind} {count} times" for kind, count in sorted(chaos.hits.items()))
        console.print(f"chaos (seed {chaos_seed}): {hits}", highlight=False, soft_wrap=True)
    return street.verdict()


def _stop_or_abort(stop: threading.Event) -> None:
    if stop.is_set():
        raise KeyboardInterrupt
    stop.set()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make demo", description="Run a virtual street.")
    parser.add_argument("--seconds", type=float, help="end by itself; without it the street runs until Ctrl-C")
    parser.add_argument("--chaos", action="store_true", help="kill servers and cut boards' power again and again")
    parser.add_argument("--seed", type=int, help="repeat a run's order of accidents")
    parser.add_argument("--boards", type=int, default=len(BOARDS), choices=range(1, len(BOARDS) + 1), metavar="N")
    parser.add_argument("--keep", type=Path, help="keep all files of the run in this new folder")
    options = parser.parse_args(arguments)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)
    console = Console()
    begun = time.monotonic()
    if options.keep is not None and options.keep.exists():
        parser.error(f"{options.keep} is there already; name a new folder")
    folder = Path(tempfile.mkdtemp(prefix="bordstein-"))
    keep = True  # a run that went wrong is to be looked into
    try:
        try:
            replay_s = REPLAY_S if options.seconds is None else min(REPLAY_S, options.seconds * 0.4)
            with Street(folder, BOARDS[: options.boards], replay_s=replay_s) as street:
                where = f"gateway's page: {street.gateway.url}"
                console.print(f"{len(street.boards)} boards run the firmware; {where}", highlight=False)
                pages = f"{street.gateway.url}/app/ (login: {work.USER}, password: {street.password})"
                console.print(f"cases, rules and map: {pages}", highlight=False, soft_wrap=True)
                verdict = run(street, console, options.seconds, seed if options.chaos else None)
                mails = street.mailbox.received
        except NotReady as problem:
            print(f"demo: {problem}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("demo: stopped before everything was delivered", file=sys.stderr)
            keep = False
            return 1
        keep = not verdict.whole
    finally:
        if options.keep is not None:
            shutil.move(folder, options.keep)
        elif keep:
            print(f"demo: the logs of all its parts are in {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder)
    for sentence in verdict.sentences():
        console.print(sentence, highlight=False, markup=False, soft_wrap=True)
    if console.is_terminal:
        console.print(closing(verdict), highlight=False, markup=False)
    numbers = summary(verdict, time.monotonic() - begun)
    print(json.dumps(numbers | {"mails": len(mails)}), flush=True)
    return 0 if verdict.whole else 1


def closing(verdict: Verdict) -> str:
    """What came out, for people who watched."""
    counts = {"lost": verdict.lost, "doubled": verdict.doubled, "wrong": verdict.wrong}
    arrived = {place.name: place.arrived for place in verdict.places}
    found = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
    cases = ""
    if verdict.work is not None:
        cases = f"{len(verdict.work.fired)} rules fired and began {len(verdict.work.cases)} cases. "
    return (
        f"The boards took {verdict.taken:,} readings; the gateway stored {verdict.stored:,}, and {verdict.forwarded:,} "
        f"have reached every server that keeps readings. The context broker got {arrived.get('ngsi_ld', 0):,} updates, "
        f"the request server has {arrived.get('open311', 0):,} requests. "
        f"{found or 'Nothing was lost, doubled or changed'}. {cases}"
        "That 'starts' rises by one at the end is meant: each board comes up once more, without sensors, to deliver "
        "what is left in its flash."
    )


def summary(verdict: Verdict, seconds: float) -> dict[str, Any]:
    """The last line's members."""
    return {
        "boards": verdict.boards,
        "taken": verdict.taken,
        "stored": verdict.stored,
        "forwarded": verdict.forwarded,
        "lost": verdict.lost,
        "doubled": verdict.doubled,
        "seconds": round(seconds, 1),
        "wrong": verdict.wrong,
        "forwarders": {place.name: place.arrived for place in verdict.places[1:]},
        "rules_fired": len(verdict.work.fired) if verdict.work else 0,
        "cases": len(verdict.work.cases) if verdict.work else 0,
    }


if __name__ == "__main__":
    sys.exit(main())
