"""Chaos leaves nothing broken behind, and its seed decides its order."""

import threading

import pytest

from tests.street.chaos import Chaos, Victim


class Thing:
    """Something that knows whether it is broken, and refuses to be broken twice."""

    def __init__(self, name: str, log: list[str], enough: threading.Event, wanted: int) -> None:
        self.name, self.log, self.enough, self.wanted = name, log, enough, wanted
        self.broken = False

    def hit(self) -> None:
        assert not self.broken
        self.broken = True
        self.log.append(self.name)
        if len(self.log) >= self.wanted:
            self.enough.set()

    def mend(self) -> None:
        assert self.broken
        self.broken = False


def play(seed: int, hits: int = 20) -> tuple[list[Thing], list[str]]:
    log: list[str] = []
    enough = threading.Event()
    things = [Thing(name, log, enough, hits) for name in "abcd"]
    victims = [Victim("killed", thing.name, thing.hit, thing.mend, 0.051) for thing in things]
    chaos = Chaos(victims, seed, pause=(0.001, 0.01), note=lambda _: None)
    chaos.start()
    assert enough.wait(60)
    chaos.stop()
    assert chaos.hits["killed"] == len(log)
    return things, log


def test_everything_is_hit_and_everything_is_mended_at_the_end():
    things, log = play(seed=1, hits=40)
    assert set(log) == set("abcd")
    assert not any(thing.broken for thing in things)


def test_the_first_victim_comes_from_the_seed():
    assert [play(seed, 1)[1][0] for seed in (1, 2, 3)] == [play(seed, 1)[1][0] for seed in (1, 2, 3)]


def test_what_goes_wrong_while_breaking_is_not_kept_secret():
    def fail() -> None:
        raise ValueError("cannot be broken")

    chaos = Chaos([Victim("killed", "x", fail, fail)], 1, note=lambda _: None)
    chaos.start()
    chaos._thread.join()
    with pytest.raises(ValueError, match="cannot be broken"):
        chaos.stop()
