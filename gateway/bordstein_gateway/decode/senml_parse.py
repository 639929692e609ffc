"""The syntax below SenML: JSON or CBOR bytes to a list of records with their labels as text. Source: RFC 8428 §5, §6.

Nothing but DecodeError comes out of hostile bytes: depth, size, duplicate labels, huge numbers, wrong UTF-8 and
anything behind the pack are refused.
"""

import io
import json
from collections.abc import Callable
from typing import Any

import cbor2

from ..texts import both

MAX_BYTES = 1 << 20
_MAX_DEPTH = 16

CBOR_LABELS = {
    -1: "bver",
    -2: "bn",
    -3: "bt",
    -4: "bu",
    -5: "bv",
    -6: "bs",
    0: "n",
    1: "u",
    2: "v",
    3: "vs",
    4: "vb",
    5: "s",
    6: "t",
    7: "ut",
    8: "vd",
}
"""Section 6, table 4. No further whole-number labels will ever be defined."""

_CBOR_NUMBERS = {label: number for number, label in CBOR_LABELS.items()}

# What cbor2 would make of these tags (dates, regular expressions, addresses, shared references, ...) is no SenML and
# some of it is costly. Bignums (2, 3) and decimal fractions (4) are numbers.
_OPAQUE_TAGS = (0, 1, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000)


class DecodeError(ValueError):
    """A payload that can't be read; the message is one sentence that says where and why."""


class Opaque:
    """A CBOR tag that SenML has no use for; allowed only inside fields that are ignored."""


def parse(payload: bytes) -> list[dict[Any, Any]]:
    """The pack's records, one dict each with at least one record; values as they came."""
    if len(payload) > MAX_BYTES:
        raise DecodeError(
            both(
                f"das Paket hat {len(payload)} Bytes, mehr als {MAX_BYTES} werden nicht gelesen",
                f"the pack has {len(payload)} bytes, more than {MAX_BYTES} are not read",
            )
        )
    if not payload:
        raise DecodeError(both("die Nachricht ist leer", "the payload is empty"))
    # JSON text begins below 0x80, except with a byte order mark, which is refused by name; a CBOR array or tag above.
    is_json = payload[0] < 0x80 or payload.startswith(b"\xef\xbb\xbf")
    pack = _json(payload) if is_json else _cbor(payload)
    if not isinstance(pack, list):
        raise DecodeError(
            both(
                "ein SenML-Paket ist eine Liste von Records, dies ist etwas anderes",
                "a SenML pack is an array of records, this is something else",
            )
        )
    if not pack:
        raise DecodeError(both("das Paket hat keine Records", "the pack has no records"))
    for number, record in enumerate(pack, 1):
        if not isinstance(record, dict):
            raise DecodeError(
                both(
                    f"Record {number}: erwartet: ein Objekt mit Labels; da steht etwas anderes",
                    f"record {number}: expected an object with labels, got something else",
                )
            )
    return pack if is_json else [_labelled(number, record) for number, record in enumerate(pack, 1)]


def _json(payload: bytes) -> Any:
    try:
        return _DECODER.decode(payload.decode())
    except DecodeError:
        raise
    except UnicodeDecodeError as error:
        raise DecodeError(both(f"kein UTF-8 bei Byte {error.start}", f"not UTF-8 at byte {error.start}")) from None
    except json.JSONDecodeError as error:
        raise DecodeError(
            both(f"kein JSON ab Zeichen {error.pos} ({error.msg})", f"not JSON: {error.msg} at character {error.pos}")
        ) from None
    except RecursionError:
        raise DecodeError(both("kein SenML: zu tief geschachtelt", "not SenML: nested too deeply")) from None
    except ValueError as error:  # a whole number with thousands of digits
        why = str(error).partition(";")[0]
        raise DecodeError(both(f"kein SenML: {why}", f"not SenML: {why}")) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        seen: set[str] = set()
        twice = next(label for label, _ in pairs if label in seen or seen.add(label))  # type: ignore[func-returns-value]
        label = json.dumps(twice[:40])
        raise DecodeError(
            both(
                f"kein SenML: das Label {label} kommt in einem Record zweimal vor",
                f"not SenML: the label {label} appears twice in one record",
            )
        )
    return record


def _constant(name: str) -> None:
    raise DecodeError(both(f"kein JSON: {name} ist in JSON keine Zahl", f"not JSON: {name} is no number in JSON"))


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_constant)


_SELF_DESCRIBED = 55799  # RFC 8949 section 3.4.6: only says that CBOR follows
_TAGS: dict[int, Callable[[Any, bool], Any]] = {
    **dict.fromkeys(_OPAQUE_TAGS, lambda _content, _immutable: Opaque()),
    _SELF_DESCRIBED: lambda content, _immutable: content,
}


def _cbor(payload: bytes) -> Any:
    stream = io.BytesIO(payload)
    decoder = cbor2.CBORDecoder(
        stream,
        tag_hook=lambda _decoder, _tag: Opaque(),
        semantic_decoders=_TAGS,
        max_depth=_MAX_DEPTH,
        allow_duplicate_keys=False,
    )
    try:
        pack = decoder.decode()
    except (cbor2.CBORError, ArithmeticError, RecursionError, MemoryError, TypeError, ValueError) as error:
        why = str(error) or type(error).__name__
        raise DecodeError(both(f"kein CBOR: {why}", f"not CBOR: {why}")) from None
    if stream.tell() != len(payload):
        raise DecodeError(
            both(
                f"hinter dem Paket steht noch etwas, ab Byte {stream.tell()}",
                f"there is something behind the pack, from byte {stream.tell()} on",
            )
        )
    return pack


def _labelled(number: int, record: dict[Any, Any]) -> dict[Any, Any]:
    """The record with text labels; other whole-number labels stay and are ignored as unknown."""
    named = {CBOR_LABELS.get(label, label) if type(label) is int else label: value for label, value in record.items()}
    if len(named) != len(record):
        raise DecodeError(
            both(
                f"Record {number}: ein Label kommt als Zahl und als Text vor",
                f"record {number}: a label appears as a number and as text",
            )
        )
    return named


def dump_cbor(records: list[dict[str, Any]]) -> bytes:
    """A SenML-CBOR pack of records with text labels."""
    return cbor2.dumps([{_CBOR_NUMBERS[label]: value for label, value in record.items()} for record in records])
