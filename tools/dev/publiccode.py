"""Checks publiccode.yml against the standard's rules and says every breach in a sentence.

Source: the publiccode.yml standard, core schema (mandatory keys, enumerations, lengths, controlled vocabularies).
Beyond it: the file has to describe the software in German and in English.
"""

import re
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).resolve().parents[2] / "publiccode.yml"

STATUS = ("concept", "development", "beta", "stable", "obsolete")
SOFTWARE_TYPES = (
    *(f"standalone/{kind}" for kind in ("mobile", "iot", "desktop", "web", "backend", "other")),
    "addon",
    "library",
    "configurationFiles",
)
MAINTENANCE = ("internal", "contract", "community", "none")
# The part of the controlled vocabulary that fits this software; a new one is looked up in the standard first.
CATEGORIES = (
    "business-process-management",
    "data-analytics",
    "data-collection",
    "data-visualization",
    "digital-citizenship",
    "facility-management",
    "geographic-information-systems",
    "knowledge-management",
    "workflow-management",
)
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def problems(content: Any) -> Iterator[str]:
    """All breaches of the standard in the parsed file, each as `key: what is wrong`."""
    if not isinstance(content, dict):
        yield "the file has to be a mapping"
        return
    for key in ("publiccodeYmlVersion", "name", "url", "platforms", "categories", "developmentStatus", "softwareType"):
        if not content.get(key):
            yield f"{key}: missing"
    if not re.fullmatch(r"https?://\S+", str(content.get("url", ""))):
        yield "url: has to be the address of the source code"
    for key, allowed in (("developmentStatus", STATUS), ("softwareType", SOFTWARE_TYPES)):
        if content.get(key) not in allowed:
            yield f"{key}: has to be one of {', '.join(allowed)}"
    for category in content.get("categories") or ():
        if category not in CATEGORIES:
            yield f"categories: {category!r} is not in the vocabulary (or not yet in this check)"
    released = content.get("releaseDate", "1970-01-01")
    try:
        date.fromisoformat(str(released))
    except ValueError:
        yield f"releaseDate: {released!r} is not a date like 2026-11-24"
    yield from _descriptions(content.get("description"))
    if not _inside(content, "legal", "license"):
        yield "legal/license: missing"
    kind = _inside(content, "maintenance", "type")
    if kind not in MAINTENANCE:
        yield f"maintenance/type: has to be one of {', '.join(MAINTENANCE)}"
    people = {"internal": "contacts", "community": "contacts", "contract": "contractors"}.get(str(kind))
    if people and not all(person.get("name") for person in _inside(content, "maintenance", people) or [{}]):
        yield f"maintenance/{people}: at least one with a name is needed"
    if not isinstance(_inside(content, "localisation", "localisationReady"), bool):
        yield "localisation/localisationReady: has to be true or false"
    for language in _inside(content, "localisation", "availableLanguages") or [""]:
        if not LANGUAGE.fullmatch(str(language)):
            yield f"localisation/availableLanguages: {language!r} is not a BCP 47 language tag"
    for kind in ("open", "proprietary", "hardware"):
        for dependency in _inside(content, "dependsOn", kind) or ():
            if not dependency.get("name"):
                yield f"dependsOn/{kind}: each dependency needs a name"


def _inside(content: dict[str, Any], section: str, key: str) -> Any:
    part = content.get(section)
    return part.get(key) if isinstance(part, dict) else None


def _descriptions(description: Any) -> Iterator[str]:
    for language in ("de", "en"):
        text = description.get(language) if isinstance(description, dict) else None
        if not isinstance(text, dict):
            yield f"description/{language}: missing"
            continue
        short, long = str(text.get("shortDescription", "")), str(text.get("longDescription", ""))
        if not 0 < len(short) <= 150:
            yield f"description/{language}/shortDescription: 1 to 150 characters, has {len(short)}"
        if not 150 <= len(long) <= 10_000:
            yield f"description/{language}/longDescription: 150 to 10,000 characters, has {len(long)}"
        if not text.get("features"):
            yield f"description/{language}/features: missing"


def main() -> int:
    found = list(problems(yaml.safe_load(FILE.read_text(encoding="utf-8"))))
    for problem in found:
        print(f"publiccode.yml: {problem}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
