"""The templates of the pages, with their filters and what each of them knows."""

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from ...config.config import Config
from ...texts import said
from ..pagetexts import clock, measured, number, when, zone
from . import static
from .rights import ROLE_NAMES, Right


def environment(config: Config) -> Environment:
    """For one town; see templates/app/README.md. Compiled templates are shared by all who show pages of it."""
    return _environment(config.town.name, config.town.timezone)


@lru_cache(maxsize=4)
def _environment(town: str, timezone: str) -> Environment:
    package = "bordstein_gateway"
    found = Environment(
        loader=ChoiceLoader([PackageLoader(package, "templates/app"), PackageLoader(package)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    town_zone = ZoneInfo(timezone)

    @pass_context
    def moment(context: Context, ms: int | None) -> str:
        return shown(ms, town_zone, context["lang"])

    found.filters.update(
        number=number, short=short, measured=measured, when=when, clock=clock, zone=zone, said=said, moment=moment
    )
    found.globals.update(static=static.address, roles=ROLE_NAMES, town=town, timezone=timezone, Right=Right)
    return found


def short(amount: float, lang: str) -> str:
    """A number without a ,0 behind it."""
    return number(int(amount) if amount == int(amount) else round(amount, 3), lang)


def shown(ms: int | None, zone: ZoneInfo, lang: str) -> str:
    """A time in ms as people of a town read it; – for none."""
    if ms is None:
        return "–"
    return datetime.fromtimestamp(ms / 1000, zone).strftime("%d.%m.%Y %H:%M" if lang == "de" else "%Y-%m-%d %H:%M")
