"""Boards of a group as one object: how many of them have to fire, which do, and what becomes of the group."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from .sheet import Objects
from .verdict import Edge
from .world import World

PREFIX = "group:"


class Member(NamedTuple):
    """A board of a group. `reached`: its own stage, -1 for none; `known`: when its own condition was last looked at."""

    reached: int
    since: int
    known: int


class Group:
    """`reached`: the stage of what is under way, -1 for nothing."""

    __slots__ = ("begun", "ended", "members", "name", "reached")

    def __init__(self, name: str) -> None:
        self.name = name
        self.members: dict[str, Member] = {}
        self.reached = -1
        self.begun = 0
        self.ended: int | None = None

    def dump(self) -> dict[str, Any]:
        """As JSON; its members are of the boards' own states."""
        return {"reached": self.reached, "begun": self.begun, "ended": self.ended}

    def load(self, kept: dict[str, Any]) -> None:
        """What dump() gave."""
        self.reached, self.begun, self.ended = kept["reached"], kept["begun"], kept["ended"]


class News(NamedTuple):
    """What is new of a group."""

    edge: Edge
    since: int
    stage: int


class Groups:
    """A sheet's groups. Times in ms. A board that is silent for `max_age` does not help a group to fire, nor does it
    clear; it counts among those of which `share` is taken: the boards of a group that have ever sent the signal and are
    not decommissioned."""

    def __init__(self, objects: Objects, world: World, cooldown: int, max_age: int) -> None:
        self._objects = objects
        self._world = world
        self._cooldown = cooldown
        self._max_age = max_age
        self._prefix = objects.group_prefix or ""
        self._groups: dict[str, Group] = {}
        self._of: dict[str, str] = {}

    def of(self, device: str) -> str | None:
        """The group that a board is counted in."""
        return self._of.get(device)

    def count(self, device: str, member: Member, at: int, *, late: bool) -> Iterator[tuple[str, News, list[str]]]:
        """A board's state into its group's: what is new, of which group's name, and which boards fire there."""
        names = [name for name in self._world.groups(device) if name.startswith(self._prefix)]
        name, before = min(names, default=None), self._of.get(device)
        if before is not None and before != name:
            del self._of[device]
            self._groups[before].members.pop(device, None)
            yield from self._news(self._groups[before], at, late=late)
        if name is not None:
            self.enter(device, name, member)
            yield from self._news(self._groups[name], at, late=late)

    def enter(self, device: str, name: str, member: Member) -> None:
        """Count a board's state in, without looking what comes of it."""
        self._of[device] = name
        self._group(name).members[device] = member

    def firing(self) -> dict[str, int]:
        """The groups that fire now, and since when (ms UTC)."""
        return {f"{PREFIX}{group.name}": group.begun for group in self._groups.values() if group.reached >= 0}

    def ended(self, name: str, time: int) -> bool:
        """A person has ended its case. Whether there is such a group."""
        group = self._groups.get(name.removeprefix(PREFIX))
        if group is not None:
            group.ended, group.reached = time, -1
        return group is not None

    def dump(self, name: str) -> dict[str, Any] | None:
        """As JSON; its boards' states are kept with the boards."""
        group = self._groups.get(name.removeprefix(PREFIX))
        return group.dump() if group else None

    def load(self, name: str, kept: dict[str, Any]) -> None:
        """What dump() gave."""
        self._group(name.removeprefix(PREFIX)).load(kept)

    def _group(self, name: str) -> Group:
        group = self._groups.get(name)
        if group is None:
            group = self._groups[name] = Group(name)
        return group

    def _news(self, group: Group, at: int, *, late: bool) -> Iterator[tuple[str, News, list[str]]]:
        for device in [device for device in group.members if self._world.gone(device)]:
            del self._of[device], group.members[device]
        news = self._judge(group, at, late=late)
        if news is not None:
            firing = sorted(device for device, member in group.members.items() if member.reached >= 0)
            yield f"{PREFIX}{group.name}", news, firing

    def _judge(self, group: Group, at: int, *, late: bool) -> News | None:
        need = self._objects.at_least
        if self._objects.share is not None:
            need = max(need, math.ceil(self._objects.share * len(group.members) - 1e-9))
        firing = [member for member in group.members.values() if member.reached >= 0]
        if len(firing) < need:
            if group.reached < 0:
                return None
            stage, group.reached, group.ended = group.reached, -1, at
            return News("recovers", group.begun, stage)
        known = [member for member in firing if at - member.known <= self._max_age]
        stages = sorted((member.reached for member in known), reverse=True)
        stage = stages[need - 1] if len(stages) >= need else -1
        if stage <= group.reached or late:
            return None
        if group.reached < 0 and group.ended is not None and at < group.ended + self._cooldown:
            return None
        since = sorted(member.since for member in known if member.reached >= stage)[need - 1]
        edge: Edge = "rises" if group.reached >= 0 else "fires"
        if edge == "fires":
            group.begun = since
        group.reached = stage
        return News(edge, since, stage)
