"""What is open to everybody, and under which licence: the rules of [publish].

The nearest rule counts: a [[publish.series]] that names the series, then one for its board, then the property's, then
the default. A board's health is never open unless a [[publish.series]] names it. How long readings are kept at all is
said by [retention].
"""

from typing import NamedTuple

from ..config.config import Config
from ..config.open_data import LICENCES, Publish, PublishProperty, PublishSeries
from ..properties import property_of

_Rule = PublishProperty | PublishSeries
_HEALTH = "health/"


class Licence(NamedTuple):
    """`name`: as people know it; `uri`: of DCAT-AP.de's vocabulary where it has one. `attribution`: whom to name."""

    name: str
    uri: str
    attribution: str | None


class Publishing:
    """Pure, and quick: asked for each series of each answer."""

    def __init__(self, config: Config) -> None:
        self.settings = config.publish
        """None: there is no [publish], and nothing is open."""
        self._rules = _rules(config.publish) if config.publish is not None else {}

    def public(self, device: str, series: str) -> bool:
        """Whether everybody may see a series of a board."""
        if self.settings is None:
            return False
        series = _base(series)
        if series.startswith(_HEALTH):
            named = self._rules.get((device, series))
            return named is not None and named.publish is True
        found = next((rule.publish for rule in self._of(device, series) if rule.publish is not None), None)
        return self.settings.default if found is None else found

    def licence(self, device: str, series: str) -> Licence | None:
        """Under which a series is, or would be, published; None: there is no [publish]."""
        if self.settings is None:
            return None
        found = next((rule.licence for rule in self._of(device, _base(series)) if rule.licence is not None), None)
        return licence_of(found or self.settings.licence, self.settings.attribution)

    def _of(self, device: str, series: str) -> list[_Rule]:
        keys = ((device, series), (device, None), (None, property_of(series)))
        return [rule for key in keys if (rule := self._rules.get(key)) is not None]


def _base(series: str) -> str:
    """The series that a sum (normalise.py makes it of SenML's `s`) is of: what hides one hides both."""
    return series.removesuffix("/sum")


def licence_of(name: str, attribution: str | None = None) -> Licence:
    """By its short name or URI."""
    short = {uri: known for known, uri in LICENCES.items()}.get(name, name)
    return Licence(short, LICENCES.get(name, name), attribution)


def _rules(publish: Publish) -> dict[tuple[str | None, str | None], _Rule]:
    rules: dict[tuple[str | None, str | None], _Rule] = {
        (None, name): rule for name, rule in publish.properties.items()
    }
    for rule in publish.series:
        # Who names a series and says no more wants it published.
        publish_it = True if rule.publish is None and rule.licence is None else rule.publish
        rules[rule.device, rule.series] = PublishSeries(
            device=rule.device, series=rule.series, publish=publish_it, licence=rule.licence
        )
    return rules
