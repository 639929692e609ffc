"""Breaks a running street on purpose, again and again, in an order that its seed decides.

What it breaks: the broker and the gateway (SIGKILL), boards (power cut at an arbitrary moment), the receiving
servers (time-outs, errors after the commit). Each comes back after a pause, while other things break.
"""

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass
class Victim:
    """Something that can be broken and mended. Victims of one kind share a kind's weight, however many they are."""

    kind: str
    name: str
    hit: Callable[[], None]
    mend: Callable[[], None]
    longest: float = 2.0


class Chaos:
    """start() breaks things in a thread of its own; stop() mends everything and returns when all is back."""

    def __init__(
        self,
        victims: Sequence[Victim],
        seed: int,
        *,
        pause: tuple[float, float] = (0.2, 1.5),
        note: Callable[[str], None],
    ) -> None:
        self.victims = list(victims)
        self.random = random.Random(seed)
        self.pause = pause
        self.note = note
        self.hits: dict[str, int] = {}
        self.error: Exception | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chaos", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()
        if self.error is not None:
            raise self.error

    def _run(self) -> None:
        broken: list[tuple[float, Victim]] = []
        next_hit = time.monotonic()
        try:
            while not self._stopping.is_set():
                for due, victim in list(broken):
                    if due <= time.monotonic():
                        broken.remove((due, victim))
                        self._mend(victim)
                if next_hit <= time.monotonic():
                    self._hit(broken)
                    next_hit = time.monotonic() + self.random.uniform(*self.pause)
                wake = min([next_hit, *(due for due, _ in broken)])
                self._stopping.wait(max(0.0, wake - time.monotonic()))
        except Exception as error:  # noqa: BLE001  (handed to whoever calls stop)
            self.error = error
        finally:
            for _, victim in broken:
                self._mend(victim)

    def _hit(self, broken: list[tuple[float, Victim]]) -> None:
        down = {id(victim) for _, victim in broken}
        up = [victim for victim in self.victims if id(victim) not in down]
        if not up:
            return
        kind = self.random.choice(sorted({victim.kind for victim in up}))
        victim = self.random.choice([victim for victim in up if victim.kind == kind])
        self.note(f"{victim.name}: {victim.kind}")
        victim.hit()
        self.hits[victim.kind] = self.hits.get(victim.kind, 0) + 1
        broken.append((time.monotonic() + self.random.uniform(0.05, victim.longest), victim))

    def _mend(self, victim: Victim) -> None:
        victim.mend()
        self.note(f"{victim.name}: back")
