"""What the board of a list's row is to become, out of the row, the town's lists and a configuration."""

from collections.abc import Iterator, Mapping
from typing import Any

from .. import boards
from ..config import composing
from ..config import mistakes as config_mistakes
from ..config.town import Town
from ..setup import questions
from ..texts import Problem, pick
from .rows import Row


class Recipes:
    """needs_keys: has a row that was looked at a key and a certificate?"""

    def __init__(self, town: Town, base: Mapping[str, Any] | None, brokers: list[str]) -> None:
        self._town, self._base, self._brokers = town, base, brokers
        self.needs_keys = False

    def answers(self, row: Row) -> composing.Answers:
        """The row's own, and for what it leaves open what is likely, as for one board alone."""
        given = {name: getattr(row, name) or None for name in ("site", "asset", "place", "network", "sensors")}
        return questions.defaults(given, self._town, self._base, None)

    def config(self, row: Row, chip: str) -> dict[str, Any]:
        """Its config.json on a board with this chip. Problem: none."""
        return composing.compose(self.answers(row), self._town, self._base, chip, row.board or None, self._brokers)

    def mistakes(self, row: Row) -> list[str]:
        """What keeps any board from becoming it, in sentences."""
        found = list(self._unknown(row))
        first: list[str] = []
        for chip in self._chips(row):
            try:
                config = self.config(row, chip)
                problems = config_mistakes.problems(config)
            except Problem as problem:
                problems = [str(problem).rstrip(".")]
            else:
                self.needs_keys |= "key" in config.get("mqtt", {})
            if not problems:
                return found
            first = first or problems
        return [*found, *(mistake for mistake in first if mistake not in found)]

    def _unknown(self, row: Row) -> Iterator[str]:
        sites, networks = self._town.sites, self._town.networks
        if row.site and sites and row.site not in sites:
            known = ", ".join(sites)
            yield pick(
                f"ein Gebiet „{row.site}“ ist nicht bekannt; es gibt {known}",
                f'no site "{row.site}" is known; there are {known}',
            )
        if row.network and row.network not in networks and row.network.lower() != "ethernet":
            known = ", ".join([*networks, "ethernet"])
            yield pick(
                f"ein Netz „{row.network}“ ist nicht bekannt; es gibt {known}",
                f'no network "{row.network}" is known; there are {known}',
            )

    def _chips(self, row: Row) -> list[str]:
        """That the row's board can have."""
        kit = self._town.kits.get(self.answers(row).sensors, {})
        name = row.board or kit.get("board") or (self._base or {}).get("board")
        kind = boards.known().get(str(name))
        if kind:
            return [kind["chip"]]
        return sorted({what["chip"] for what in boards.known().values() if "image" in what})
