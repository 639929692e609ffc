"""Sensor Measurement Lists: SenML in JSON and CBOR, bytes in, records out. Source: RFC 8428 (and RFC 9100: versions).

    decode(payload, now=...)   resolved records (section 4.6): absolute times, chronological order
    read(payload)              the same in the pack's order, times relative to "now" left below RELATIVE_BELOW
    encode_json, encode_cbor   resolved records to a pack

What breaks a rule raises DecodeError with one sentence that names the record, counted from 1, and the label.
"""

import base64
import json
import math
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import msgspec

from ..texts import Sentence, both, said
from .senml_parse import DecodeError, parse

__all__ = ["RELATIVE_BELOW", "DecodeError", "Number", "Record", "decode", "encode_cbor", "encode_json", "plain", "read"]

Number = int | float

RELATIVE_BELOW = 2**28
"""Times below this are seconds relative to "now" (section 4.5.3)."""

# RFC 9100: a version is a sum of features. 10 is RFC 8428; 16 more says that secondary units may be used.
DEFAULT_VERSION = 10
_VERSIONS = (DEFAULT_VERSION, DEFAULT_VERSION + 16)

# What a double holds exactly: a larger whole number is a double for every other reader too (section 5.1).
_EXACT = 2**53
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-:./_]*")
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*={0,2}")
_VALUES = ("v", "vs", "vb", "vd")


class Record(msgspec.Struct, gc=False, omit_defaults=True):
    """One resolved record: name, time (Unix seconds, UTC), unit, one value and/or a sum, update time in seconds.

    `bver` is set only when the pack's version is not RFC 8428's.
    """

    n: str
    t: Number
    u: str | None = None
    v: Number | None = None
    vs: str | None = None
    vb: bool | None = None
    vd: bytes | None = None
    s: Number | None = None
    ut: Number | None = None
    bver: int | None = None


def decode(payload: bytes, *, now: float) -> list[Record]:
    """The pack's resolved records in chronological order; `now`: Unix seconds of receipt, for relative times."""
    records = read(payload)
    moment = round(now, 3)
    for record in records:
        if record.t < RELATIVE_BELOW:
            record.t = add(record.t, moment)
    records.sort(key=lambda record: record.t)
    return records


def read(payload: bytes) -> list[Record]:
    """The pack's records with base fields applied, in the pack's order; relative times stay relative."""
    pack = [_checked(number, fields) for number, fields in enumerate(parse(payload), 1)]
    version = _version(pack)
    return list(_resolved(pack, None if version == DEFAULT_VERSION else version))


def _version(pack: list[dict[str, Any]]) -> int:
    version: int = pack[0].get("bver", DEFAULT_VERSION)
    for number, fields in enumerate(pack, 1):
        if fields.get("bver", version) != version:
            raise DecodeError(
                both(
                    f"Record {number}: bver: alle Records eines Pakets haben dieselbe Version, dieser eine andere",
                    f"record {number}: bver: all records of a pack have the same version, this one differs",
                )
            )
    if version > DEFAULT_VERSION and version not in _VERSIONS:
        raise DecodeError(
            both(
                f"Record 1: bver: Version {version} ist neuer als die hier verstandene ({_VERSIONS[0]})",
                f"record 1: bver: version {version} is newer than what is understood here ({_VERSIONS[0]})",
            )
        )
    return version


def _resolved(pack: list[dict[str, Any]], version: int | None) -> Iterator[Record]:
    base: dict[str, Any] = {}
    for number, fields in enumerate(pack, 1):
        base.update((label, value) for label, value in fields.items() if label in ("bn", "bt", "bu", "bv", "bs"))
        name = base.get("bn", "") + fields.get("n", "")
        if not _NAME.fullmatch(name):
            raise _wrong(number, "n", _bad_name(name))
        values = [label for label in _VALUES if label in fields]
        if len(values) > 1:
            raise _wrong(
                number,
                values[1],
                both(
                    f"ein Record hat einen Wert, dieser hat auch {values[0]}",
                    f"a record has one value, this one has {values[0]} too",
                ),
            )
        value: Number | None = fields.get("v")
        if "bv" in base and values in ([], ["v"]):
            value = add(base["bv"], value or 0, number, "v")
        total: Number | None = fields.get("s")
        if "bs" in base:
            total = add(base["bs"], total or 0, number, "s")
        if not values and value is None and total is None:
            raise _wrong(
                number,
                "v",
                both(
                    "ein Record braucht eines von v, vs, vb, vd oder s, dieser hat keines",
                    "a record needs one of v, vs, vb, vd or s, this one has none",
                ),
            )
        yield Record(
            name,
            add(base.get("bt", 0), fields.get("t", 0), number, "t"),
            fields.get("u", base.get("bu")),
            value,
            fields.get("vs"),
            fields.get("vb"),
            fields.get("vd"),
            total,
            fields.get("ut"),
            version,
        )


def _wrong(number: int, label: str, why: str | ValueError) -> DecodeError:
    place = f"{number}: {label}:"
    return DecodeError(both(f"Record {place} {said(why, 'de')}", f"record {place} {said(why, 'en')}"))


def _bad_name(name: str) -> Sentence:
    if not name:
        return both("weder bn noch n gibt einen Namen", "neither bn nor n gives a name")
    shown = json.dumps(name[:80])
    return both(
        f"{shown} ist kein Name: erlaubt sind Buchstaben, Ziffern und -:./_, ein Buchstabe oder eine Ziffer zuerst",
        f"{shown} is not a name: letters, digits and -:./_ are allowed, a letter or digit first",
    )


def add(a: Number, b: Number, number: int = 0, label: str = "") -> Number:
    """a + b as their decimal digits say (20.1 + 0.2 is 20.3), so that base values bring no binary noise."""
    if type(a) is int and type(b) is int:
        return a + b
    total = float(Decimal(repr(a)) + Decimal(repr(b)))
    if not math.isfinite(total):
        raise _wrong(number, label, both("zu groß mit dem Basiswert", "too large with its base value"))
    return total


# --- the fields' types ---------------------------------------------------------------------------------------------


def _checked(number: int, fields: dict[Any, Any]) -> dict[str, Any]:
    """A record's known fields with their values checked; unknown ones left out (section 4.4)."""
    known = {}
    for label, value in fields.items():
        check = _CHECKS.get(label)
        if check is not None:
            try:
                known[label] = check(value)
            except ValueError as reason:
                raise _wrong(number, label, reason) from None
        elif isinstance(label, str) and label.endswith("_"):
            raise _wrong(
                number,
                json.dumps(label[:40]),
                both(
                    "muss verstanden werden, ist hier aber nicht bekannt",
                    "has to be understood, but is not known here",
                ),
            )
    return known


def _number(value: Any) -> Number:
    if type(value) is Decimal:
        value = float(value)
    if type(value) is int:
        if -_EXACT <= value <= _EXACT:
            return value
        try:
            return float(value)
        except OverflowError:
            raise ValueError(
                both("eine Zahl jenseits dessen, was ein Double fasst", "a number beyond what a double can hold")
            ) from None
    if type(value) is not float:
        raise _expected("eine Zahl", "a number", value)
    if not math.isfinite(value):
        raise ValueError(both("keine endliche Zahl", "not a finite number"))
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _expected("Text", "text", value)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError(
                both("ein halbes Surrogatpaar ist kein Text", "half a surrogate pair is not text")
            ) from None
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _expected("true oder false", "true or false", value)
    return value


def _data(value: Any) -> bytes:
    if isinstance(value, bytes):  # CBOR
        return value
    if not isinstance(value, str):
        raise _expected("Daten", "data", value)
    digits = value.rstrip("=")
    if not _BASE64URL.fullmatch(value) or len(digits) % 4 == 1:
        raise ValueError(both("kein Base64 im URL-sicheren Alphabet", "not base64 in the URL-safe alphabet"))
    return base64.urlsafe_b64decode(digits + "=" * (-len(digits) % 4))


def _whole(value: Any) -> int:
    value = _number(value)
    if value != int(value) or value < 1:
        raise ValueError(both("eine Version ist eine ganze Zahl ab 1", "a version is a whole number from 1 on"))
    return int(value)


def _expected(de: str, en: str, value: Any) -> ValueError:
    kind = _KINDS.get(type(value)) or both("etwas anderes", "something else")
    return ValueError(both(f"erwartet: {de}; da steht {said(kind, 'de')}", f"expected {en}, got {kind}"))


_KINDS = {
    str: both("Text", "text"),
    bool: both("true oder false", "true or false"),
    int: both("eine Zahl", "a number"),
    float: both("eine Zahl", "a number"),
    type(None): both("null", "null"),
    dict: both("ein Objekt", "an object"),
    list: both("eine Liste", "an array"),
    bytes: both("Bytes", "bytes"),
}

_CHECKS: dict[Any, Callable[[Any], Any]] = {
    **dict.fromkeys(("bn", "bu", "n", "u", "vs"), _text),
    **dict.fromkeys(("bt", "bv", "bs", "v", "s", "t", "ut"), _number),
    "vb": _boolean,
    "vd": _data,
    "bver": _whole,
}


# --- records to packs ----------------------------------------------------------------------------------------------


def plain(record: Record) -> dict[str, Any]:
    """A record as JSON's types, labels in the RFC's order; vd as unpadded base64url."""
    labels = ("bver", "n", "u", "t", "ut", "v", "vs", "vb", "vd", "s")
    fields = {label: value for label in labels if (value := getattr(record, label)) is not None}
    if record.vd is not None:
        fields["vd"] = base64.urlsafe_b64encode(record.vd).rstrip(b"=").decode()
    return fields


def encode_json(records: list[Record]) -> bytes:
    """A SenML-JSON pack of resolved records."""
    return json.dumps([plain(record) for record in records], ensure_ascii=False, separators=(",", ":")).encode()


def encode_cbor(records: list[Record]) -> bytes:
    """A SenML-CBOR pack of resolved records."""
    from .senml_parse import dump_cbor

    return dump_cbor([plain(record) | ({} if record.vd is None else {"vd": record.vd}) for record in records])
