"""Releases on their way to boards: the packs in the data folder, what is offered, and the pieces that boards ask for.

The form of a pack is firmware/bordstein/update/install.py's. Boards check the signature; the gateway only that a
pack is whole.
"""

import hashlib
import json
import shutil
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import structlog

from ..store import Offer, Store
from ..texts import pick

LARGEST_PIECE = 2048
_LOOK_S = 2.0
_MAGIC = b"BSR1"
_HEAD = 392

log = structlog.get_logger(__name__)


class PieceWanted(NamedTuple):
    """A board asks for `length` bytes of its order's pack."""

    device: str
    order: int
    offset: int
    length: int


class Pack(NamedTuple):
    """What stands in a pack's manifest. `digest`: its SHA-256 in hex."""

    version: str
    floor: str
    boards: list[str]
    digest: str


class PackError(Exception):
    """A file that is no whole pack; the text is the sentence to show."""


class _Manifest(msgspec.Struct):
    version: str
    floor: str
    boards: list[str]
    files: list[tuple[str, int, str]]


def inspect(path: Path) -> Pack:
    """Read a whole pack and check every hash. PackError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PackError(
            pick(f"{path} ist nicht lesbar ({error.strerror}).", f"{path} can't be read ({error.strerror}).")
        ) from None
    broken = pick(
        f"{path} ist kein vollständiges Release; „make release“ erstellt eines.",
        f'{path} is not a whole release; "make release" makes one.',
    )
    if len(content) < _HEAD or content[:4] != _MAGIC:
        raise PackError(broken)
    at = _HEAD + int.from_bytes(content[4:8], "big")
    text = content[_HEAD:at]
    try:
        manifest = msgspec.json.decode(text, type=_Manifest)
    except (msgspec.DecodeError, UnicodeError):
        raise PackError(broken) from None
    for _, size, digest in manifest.files:
        if size < 0 or hashlib.sha256(content[at : at + size]).hexdigest() != digest:
            raise PackError(broken)
        at += size
    if at != len(content):
        raise PackError(broken)
    return Pack(manifest.version, manifest.floor, manifest.boards, hashlib.sha256(text).hexdigest())


def keep(path: Path, pack: Pack, folder: Path) -> None:
    """Copy a pack to where the service finds it. OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{pack.digest}.pack"
    shutil.copyfile(path, target.with_suffix(".new"))
    target.with_suffix(".new").replace(target)


class Releases:
    """In the service: ask() what boards want, take() what has to be published. Belongs to the ingest thread."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._wanted: dict[str, PieceWanted] = {}  # the newest of each board
        self._packs: dict[int, Path] = {}
        self._next_look = 0.0
        self._begun = False

    def ask(self, wanted: PieceWanted) -> None:
        """A board asks."""
        self._wanted[wanted.device] = wanted

    def take(self, now: float) -> Iterator[tuple[str, bytes, bool]]:
        """(topic below the root, payload, retained) to publish at `now` (monotonic seconds). StoreError."""
        while self._wanted:
            _, wanted = self._wanted.popitem()
            piece = self._piece(wanted)
            if piece is not None:
                yield f"{wanted.device}/release/data", struct.pack("!II", wanted.order, wanted.offset) + piece, False
        if now < self._next_look:
            return
        self._next_look = now + _LOOK_S
        self._packs.clear()  # orders are stopped by other processes
        if not self._begun:
            self._begun = True
            self._store.release_offer_again()
            return
        offers = self._store.release_offers(int(time.time() * 1000))
        for offer in offers:
            yield f"{offer.device}/release", _encode(offer), True
        if offers:
            self._store.release_offered(offers)

    def _piece(self, wanted: PieceWanted) -> bytes | None:
        path = self._packs.get(wanted.order)
        if path is None:
            rollout = self._store.rollout(wanted.order)
            if rollout is None or rollout.stopped is not None:
                return None
            path = self._packs[wanted.order] = self._folder / f"{rollout.digest}.pack"
        try:
            with path.open("rb") as file:
                file.seek(wanted.offset)
                return file.read(min(wanted.length, LARGEST_PIECE))
        except OSError as error:
            log.error("a release can't be read", file=str(path), reason=error.strerror)
            return None


def _encode(offer: Offer) -> bytes:
    if offer.version is None:
        return b""
    return json.dumps({"order": offer.order, "version": offer.version, "sha256": offer.digest}).encode()
