"""Rules of [publish] that no type can say."""

from collections.abc import Iterator
from typing import Any

from . import readers
from .config_files import FileProblem, secret
from .config_open import ATTRIBUTED
from .config_words import missing, table
from .texts import pick
from .toml_lines import Path as KeyPath

Problem = tuple[KeyPath, str]


def open_rules(values: dict[str, Any]) -> Iterator[Problem]:
    """What is wrong in what is published."""
    http = table(values, "http")
    yield from _readers(http.get("readers_file"))
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
