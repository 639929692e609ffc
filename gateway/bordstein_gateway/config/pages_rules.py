"""Rules of [pages] that no type can say: what is typed there must go over no wire in the clear."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from ..texts import pick
from .files import no_authority, no_secret
from .toml_lines import Path as KeyPath
from .words import is_here, missing, table

Problem = tuple[KeyPath, str]


def pages_rules(values: dict[str, Any]) -> Iterator[Problem]:
    """What is wrong with the staff's pages."""
    if "pages" not in values:
        return
    pages = table(values, "pages")
    if not is_here(table(values, "http").get("host", "127.0.0.1")):
        yield (
            ("http", "host"),
            pick(
                'mit [pages] nur "127.0.0.1": im Netz gingen Passwörter im Klartext; davor gehört ein Proxy mit TLS. '
                "Ohne [pages] sind die Seiten der Beschäftigten hier aus",
                'with [pages] only "127.0.0.1": passwords would go over the network in the clear; put a proxy with TLS '
                "in front. Without [pages] the staff's pages are off here",
            ),
        )
    yield from _in_the_clear(("pages", "url"), pages.get("url"))
    tiles = table(pages, "tiles").get("url")
    if isinstance(tiles, str) and (absent := [mark for mark in ("{z}", "{x}", "{y}") if mark not in tiles]):
        yield (
            ("pages", "tiles", "url"),
            pick(f"darin fehlt {' und '.join(absent)}", f"{' and '.join(absent)} is missing in it"),
        )
    if "oidc" in pages:
        yield from _oidc(pages, table(pages, "oidc"))


def _oidc(pages: dict[str, Any], oidc: dict[str, Any]) -> Iterator[Problem]:
    if "url" not in pages:
        why = pick("der Anbieter schickt dorthin zurück", "the provider sends people back there")
        yield ("pages", "oidc"), missing("pages.url", why)
    yield from _in_the_clear(("pages", "oidc", "issuer"), oidc.get("issuer"))
    for key, said in (
        ("client_secret_file", no_secret(oidc.get("client_secret_file"))),
        ("ca", no_authority(oidc.get("ca"))),
    ):
        if said:
            yield ("pages", "oidc", key), said
    if oidc.get("roles") == {}:
        yield (
            ("pages", "oidc", "roles"),
            pick("ohne eine Rolle kommt niemand hinein", "without a role nobody gets in"),
        )


def _in_the_clear(path: KeyPath, url: Any) -> Iterator[Problem]:
    if isinstance(url, str) and url.startswith("http://") and not is_here(urlsplit(url).hostname):
        yield path, pick("muss mit https:// beginnen", "has to begin with https://")
