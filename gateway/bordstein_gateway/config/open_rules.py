"""Rules of [publish] and [parking] that no type can say."""

from collections.abc import Iterator
from typing import Any

from ..texts import pick
from ..web import readers
from .files import FileProblem, secret
from .open_data import ATTRIBUTED
from .toml_lines import Path as KeyPath
from .words import dotted, missing, table

Problem = tuple[KeyPath, str]


def open_rules(values: dict[str, Any]) -> Iterator[Problem]:
    """What is wrong in what is published."""
    http = table(values, "http")
    yield from _readers(http.get("readers_file"))
    yield from _parking(table(values, "parking").get("site"))
    if "publish" not in values:
        return
    publish = table(values, "publish")
    if "readers_file" not in http and "reader_token_file" not in http:
        yield (
            ("publish",),
            pick(
                "was nicht öffentlich ist, braucht einen Login: in [http] readers_file oder reader_token_file nennen",
                "what is not public needs a login: name readers_file or reader_token_file in [http]",
            ),
        )
    yield from _attribution(publish)
    yield from _series(publish.get("series"))


def _readers(file: Any) -> Iterator[Problem]:
    try:
        nobody = isinstance(file, str) and not readers.read(secret(file))
    except FileProblem:  # said of every file of secrets
        return
    if nobody:
        yield (
            ("http", "readers_file"),
            pick(
                f"in {file} steht niemand; einen Namen trägt ein: bordstein-gateway reader add NAME",
                f"nobody is in {file}; a name is entered by: bordstein-gateway reader add NAME",
            ),
        )


def _attribution(publish: dict[str, Any]) -> Iterator[Problem]:
    """Licences that ask for a name are of no use without it."""
    if "attribution" in publish:
        return
    series = publish.get("series")
    places: list[tuple[KeyPath, Any]] = [(("publish",), publish)]
    places += [(("publish", "properties", name), rule) for name, rule in table(publish, "properties").items()]
    places += [
        (("publish", "series", place), rule) for place, rule in enumerate(series if isinstance(series, list) else [])
    ]
    for path, rule in places:
        if isinstance(rule, dict) and rule.get("licence") in ATTRIBUTED:
            needs = pick("diese Lizenz verlangt einen Namen", "this licence asks for a name")
            yield (*path, "licence"), missing("publish.attribution", needs)


def _series(series: Any) -> Iterator[Problem]:
    first: dict[tuple[Any, Any], int] = {}
    for place, rule in enumerate(series if isinstance(series, list) else []):
        if isinstance(rule, dict) and isinstance(rule.get("device"), str):
            key = (rule["device"], rule.get("series"))
            if (number := first.setdefault(key, place)) != place:
                said = pick(f"dasselbe sagt schon Eintrag {number + 1}", f"entry {number + 1} is of the same already")
                yield ("publish", "series", place, "device"), said


def _parking(sites: Any) -> Iterator[Problem]:
    """Of each uid one thing; no more bays than places."""
    taken: dict[str, str] = {}
    for number, site in enumerate(sites if isinstance(sites, list) else []):
        if not isinstance(site, dict):
            continue
        path: KeyPath = ("parking", "site", number)
        for one, other in (("latitude", "longitude"), ("longitude", "latitude")):
            if one in site and other not in site:
                yield (*path, one), missing(other, pick("die beiden gehören zusammen", "the two belong together"))
        yield from _once(taken, (*path, "uid"), site.get("uid"))
        bays = site.get("bay")
        bays = [bay for bay in bays if isinstance(bay, dict)] if isinstance(bays, list) else None
        if bays == []:
            yield (*path, "bay"), pick("eine Anlage ohne Plätze zählt nichts", "a site without bays counts nothing")
        if bays and isinstance(site.get("capacity"), int) and site["capacity"] < len(bays):
            said = pick(
                f"{site['capacity']} Plätze, aber {len(bays)} bay", f"{site['capacity']} places, but {len(bays)} bay"
            )
            yield (*path, "capacity"), said
        for place, bay in enumerate(bays or []):
            key = "uid" if "uid" in bay else "device"
            yield from _once(taken, (*path, "bay", place, key), bay.get(key))


def _once(taken: dict[str, str], path: KeyPath, uid: Any) -> Iterator[Problem]:
    if not isinstance(uid, str):
        return
    here = dotted(path)
    if (there := taken.setdefault(uid, here)) != here:
        yield (
            path,
            pick(f"{uid} heißt schon {there}; eine andere uid nennen", f"{uid} is {there} already; name another uid"),
        )
