"""Which row of a batch's list is which board's: a row is never given to two boards, and a board never gets two rows, in
this run and in those before, of which the protocol tells."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from ..texts import Problem, pick
from .protocol import Protocol, Record
from .rows import Row

State = Literal["open", "begun", "ready", "failed"]


@dataclass
class Standing:
    """How it stands with a row. device, port: where it is, or was last. error: why it failed, or is not done yet.

    seconds: how long its board took. facts: of the board that is ready, as in the register.
    """

    row: Row
    state: State = "open"
    device: str = ""
    port: str = ""
    error: str = ""
    seconds: float = 0
    complaints: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


class Book:
    """The rows, and to whom they went. Safe to use from several threads; Problem: the protocol cannot be written."""

    def __init__(self, rows: Iterable[Row], protocol: Protocol, redo: Iterable[str] = ()) -> None:
        """redo: asset numbers of rows that may go to another board; one that went already stays there, so that the same
        command can be given again. Problem: there is none such; the list contradicts the protocol."""
        self.standings = {row.asset: Standing(row) for row in rows}
        self._protocol = protocol
        self._lock = threading.RLock()
        self._had: dict[str, str] = {}  # device: the row that it got last
        self._redone: set[str] = set()
        for record in protocol.found:
            self._replay(record)
        for asset in redo:
            self._redo(asset)
        self._check()

    def count(self, *states: State) -> int:
        return sum(standing.state in states for standing in self.standings.values())

    @property
    def over(self) -> bool:
        """Nothing is left to be done in this run."""
        return self.count("open", "begun") == 0

    def take(self, device: str, port: str, fits: Callable[[Row], object]) -> Standing:
        """The row of a board: the one it has, which may be ready already, or the next that fits. Problem: none.

        fits: raises Problem for a row that this board cannot become. The row is the board's when this returns.
        """
        with self._lock:
            standing = self._row_of(device, fits)
            if standing.state != "ready":
                self._protocol.note("begin", asset=standing.row.asset, device=device, port=port)
                standing.state, standing.device, standing.port, standing.error = "begun", device, port, ""
                self._had[device] = standing.row.asset
            return standing

    def step(self, standing: Standing, text: str) -> None:
        self._note("step", standing, text=text)

    def ready(self, standing: Standing, seconds: float, complaints: list[str], facts: dict[str, Any]) -> None:
        with self._lock:
            self._note("ready", standing, seconds=round(seconds, 1), complaints=complaints, facts=facts)
            standing.state, standing.seconds = "ready", seconds
            standing.complaints, standing.facts = complaints, facts

    def failed(self, standing: Standing, error: str) -> None:
        """The board is there and does not become what it should: the row stays its own, and this run need not wait."""
        with self._lock:
            self._note("failed", standing, error=error)
            standing.state, standing.error = "failed", error

    def broken(self, standing: Standing, error: str) -> None:
        """The cable was out: the board is waited for."""
        with self._lock:
            self._note("broken", standing, error=error)
            standing.error = error

    def _note(self, event: str, standing: Standing, **facts: Any) -> None:
        row = standing.row
        self._protocol.note(event, asset=row.asset, device=standing.device, port=standing.port, **facts)

    def _row_of(self, device: str, fits: Callable[[Row], object]) -> Standing:
        had = self._had.get(device)
        own = self.standings.get(had) if had is not None else None
        if own is not None and own.device == device:
            return own
        for standing in self.standings.values():
            if standing.row.device == device:
                return standing
        if had is not None:
            if own is not None and not own.device:
                return own
            raise _had_another(device, had, own.device if own else "")
        misfit = None
        for standing in self.standings.values():
            if standing.state == "open" and not standing.row.device:
                try:
                    fits(standing.row)
                except Problem as problem:
                    misfit = misfit or problem
                    continue
                return standing
        raise misfit or Problem(
            f"Für Gerät {device} ist keine Zeile der Liste mehr frei.",
            f"no row of the list is left for board {device}.",
        )

    def _replay(self, record: Record) -> None:
        asset, device, event = str(record.get("asset")), str(record.get("device", "")), record["event"]
        if event == "begin":
            self._had[device] = asset
        standing = self.standings.get(asset)
        if standing is None:
            return
        if event == "begin":
            standing.state, standing.device, standing.error = "begun", device, ""
            standing.port = str(record.get("port", ""))
        elif event == "redo":
            self.standings[asset] = Standing(standing.row)
            self._redone.add(asset)
        elif event == "ready" and device == standing.device:
            standing.state, standing.seconds = "ready", float(record.get("seconds", 0))
            standing.complaints, standing.facts = list(record.get("complaints", [])), dict(record.get("facts", {}))
        elif event in ("failed", "broken") and device == standing.device:
            # What failed in an earlier run is tried again in this one.
            standing.error = str(record.get("error", ""))

    def _redo(self, asset: str) -> None:
        standing = self.standings.get(asset)
        if standing is None:
            raise Problem(
                f"Eine Zeile {asset} gibt es in der Liste nicht; --redo nennt eine Inventarnummer daraus.",
                f"there is no row {asset} in the list; --redo names an asset number of it.",
            )
        if standing.state == "open" or (asset in self._redone and not standing.error):
            return
        self._protocol.note("redo", asset=asset)
        self.standings[asset] = Standing(standing.row)

    def _check(self) -> None:
        wrong = []
        for standing in self.standings.values():
            row = standing.row
            if not row.device:
                continue
            if standing.device not in ("", row.device):
                wrong.append((row, standing.device, row.asset))
            had = self._had.get(row.device, row.asset)
            if had != row.asset and had in self.standings and self.standings[had].device == row.device:
                wrong.append((row, row.device, had))
        if wrong:
            said = "".join(
                pick(
                    f"\n  Zeile {row.line}: Gerät {device} ist laut Protokoll {asset}; --redo {asset} gibt es frei",
                    f"\n  line {row.line}: board {device} is {asset} by the protocol; --redo {asset} sets it free",
                )
                for row, device, asset in wrong
            )
            raise Problem(
                f"Liste und Protokoll widersprechen sich:{said}",
                f"the list and the protocol contradict each other:{said}",
            )


def _had_another(device: str, asset: str, now: str) -> Problem:
    if not now:
        return Problem(
            f"Gerät {device} ist schon {asset} einer früheren Fassung der Liste; beiseitelegen oder als geraet in eine "
            "Zeile schreiben.",
            f"board {device} is {asset} of an earlier list already; put it aside, or name it as device in a row.",
        )
    return Problem(
        f"Gerät {device} war {asset}, das ist jetzt {now}; beiseitelegen oder als geraet in eine Zeile schreiben.",
        f"board {device} was {asset}, which is {now} now; put it aside, or name it as device in a row.",
    )
