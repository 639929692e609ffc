"""What brokers answer to a batch, in the forms they have for it. Pure.

ETSI GS CIM 009 clause 5.2.16 and Orion-LD: {"success": [id, …], "errors": [{"entityId": id, "error": ProblemDetails}]}.
Stellio's success may be objects with entityId, and an older one's error a list of texts. Scorpio answers a list of
{"id": id, "success" or "failure": [ProblemDetails, …]}, and 400 where none of them was taken.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx2

_OURS = re.compile(r"access|context|internal|tenant", re.IGNORECASE)
"""Kinds of error that no reading is to blame for: AccessDenied, LdContextNotAvailable, NonexistentTenant …"""
_LONGEST = 300


class Failure(NamedTuple):
    """Why an entity was not taken. `passing`: not because of what it is."""

    reason: str
    passing: bool


class Verdict(NamedTuple):
    """By entity. `named`: those that the broker says it has taken."""

    failures: dict[str, Failure]
    named: set[str]


def verdict(answer: httpx2.Response) -> Verdict | None:
    """What became of each entity; None where the answer does not say it."""
    content = _content(answer)
    failures: dict[str, Failure] = {}
    named: set[str] = set()
    if isinstance(content, dict) and ("errors" in content or "success" in content):
        for entry in _list(content.get("errors")):
            if isinstance(entry, dict):
                failures[_id(entry)] = _failure(entry.get("error", entry))
        named = {_id(entry) for entry in _list(content.get("success"))}
    elif isinstance(content, list) and content and all(isinstance(entry, dict) and "id" in entry for entry in content):
        for entry in content:
            if entry.get("failure"):
                failures[_id(entry)] = _failure(entry["failure"])
            else:
                named.add(_id(entry))
    else:
        return None
    return Verdict(failures, named - {""})


def whole(answer: httpx2.Response) -> Failure:
    """Why a batch was refused as a whole."""
    content = _content(answer)
    failure = _failure(content) if isinstance(content, dict) else Failure(_short(answer.text), False)
    return failure if failure.reason else Failure(answer.reason_phrase, failure.passing)


def observed(answer: httpx2.Response) -> dict[str, str]:
    """Of an entity in full: the attributes that were observed, and when. Names may come as IRIs."""
    content = _content(answer)
    if not isinstance(content, dict):
        return {}
    return {
        re.split(r"[/#:]", name)[-1]: value["observedAt"]
        for name, value in content.items()
        if isinstance(value, dict) and isinstance(value.get("observedAt"), str)
    }


def _content(answer: httpx2.Response) -> Any:
    try:
        return json.loads(answer.text)
    except ValueError:
        return None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _id(entry: Any) -> str:
    if isinstance(entry, dict):
        entry = entry.get("entityId", entry.get("id", ""))
    return entry if isinstance(entry, str) else ""


def _failure(error: Any) -> Failure:
    words = list(dict.fromkeys(_words(error)))
    kinds = [str(one.get("type", "")).rpartition("/")[2] for one in _problems(error)]
    codes = [one.get("status", one.get("errorCode")) for one in _problems(error)]
    passing = any(_OURS.search(kind) for kind in kinds) or any(isinstance(code, int) and code >= 500 for code in codes)
    return Failure(_short(": ".join(words) or " ".join(kinds)), passing)


def _problems(error: Any) -> list[dict[str, Any]]:
    return [one for one in (error if isinstance(error, list) else [error]) if isinstance(one, dict)]


def _words(error: Any) -> Iterator[str]:
    """Title and detail, however deep."""
    if isinstance(error, str) and error:
        yield error
    elif isinstance(error, list):
        for one in error:
            yield from _words(one)
    elif isinstance(error, dict):
        for key in ("title", "detail", "details", "message"):
            yield from _words(error.get(key))


def _short(text: str) -> str:
    return " ".join(text.split())[:_LONGEST]
