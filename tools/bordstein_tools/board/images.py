"""Images of stock MicroPython on this computer: got beforehand, so that a van needs no internet, and checked at use.

Each is a file in the user's cache folder with its SHA-256 in a file beside it.
"""

import hashlib
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import boards
from ..keys import keyfiles
from ..texts import Problem, reason

# The number of the chip family in an image's header. Source: esp_chip_id_t in ESP-IDF's esp_app_format.h.
CHIP_IDS = {"esp32": 0, "esp32s2": 2, "esp32c3": 5, "esp32s3": 9, "esp32c6": 13}
_LONGEST = 16 << 20
_TIMEOUT_S = 30


@dataclass(frozen=True)
class Image:
    """One image of the cache. sound: it still has the check sum it came with."""

    path: Path
    chip: str
    size: int
    sha256: str
    sound: bool


def folder() -> Path:
    """Where the images lie; made when something is put there."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library/Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "bordstein" / "images"


def chip_of(content: bytes, name: str) -> str:
    """The chip family of an image, as esptool calls it. Raises Problem for anything else than an image."""
    number = int.from_bytes(content[12:14], "little")
    chip = next((chip for chip, known in CHIP_IDS.items() if known == number), None)
    if len(content) < 24 or content[0] != 0xE9 or chip is None:
        raise Problem(
            f"{name} ist kein Image für einen ESP32; gebraucht wird die .bin-Datei von micropython.org.",
            f"{name} is no image for an ESP32; the .bin file from micropython.org is needed.",
        )
    return chip


def read(file: Path) -> bytes:
    """An image file's content. Raises Problem."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise Problem(
            f"Das Image {file} lässt sich nicht lesen ({reason(error)}).",
            f"The image {file} cannot be read ({error.strerror}).",
        ) from None
    chip_of(content, str(file))
    return content


def add(file: Path) -> Image:
    """Take a file into the cache, under its own name. Raises Problem."""
    return _put(file.name, read(file))


def listed() -> list[Image]:
    """What is in the cache."""
    images = []
    for path in sorted(folder().glob("*.bin")):
        content = path.read_bytes()
        found = hashlib.sha256(content).hexdigest()
        try:
            noted = path.with_suffix(".sha256").read_text().strip()
            images.append(Image(path, chip_of(content, path.name), len(content), found, found == noted))
        except (OSError, Problem):
            images.append(Image(path, "", len(content), found, False))
    return images


def cached(board: dict[str, Any]) -> bytes:
    """The image that a board file names. Raises Problem where it is not in the cache, or spoilt."""
    name = board["image"]["name"]
    for image in listed():
        if image.path.name == name:
            if not image.sound:
                raise Problem(
                    f"{image.path} ist beschädigt: löschen und mit „bordstein images fetch“ neu holen.",
                    f'{image.path} is damaged: delete it and get it anew with "bordstein images fetch".',
                )
            return image.path.read_bytes()
    raise Problem(
        f"Das Image {name} ist nicht auf diesem Computer: mit Internet „bordstein images fetch“ ausführen, oder die "
        "Datei mit --image angeben.",
        f'The image {name} is not on this computer: run "bordstein images fetch" where there is internet, or name the '
        "file with --image.",
    )


def fetch(names: list[str], progress: Callable[[str, int, int], None]) -> list[Image]:
    """Download the images of these boards, or of all; those already here are left out. Raises Problem.

    progress: is called with the image's name, bytes so far, and bytes in all (0: not known).
    """
    known = boards.known()
    wanted: dict[str, dict[str, Any]] = {}
    for name in names or list(known):
        if name not in known:
            raise Problem(
                f"Ein Gerät {name} gibt es nicht; bekannt sind {', '.join(known)}.",
                f"There is no board {name}; known are {', '.join(known)}.",
            )
        if "url" in known[name].get("image", {}):
            wanted[known[name]["image"]["name"]] = known[name]["image"]
    here = {image.path.name for image in listed() if image.sound}
    return [_put(name, _download(name, image["url"], progress)) for name, image in wanted.items() if name not in here]


def _download(name: str, url: str, progress: Callable[[str, int, int], None]) -> bytes:
    content = bytearray()
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - the board file's
            total = int(answer.headers.get("Content-Length") or 0)
            while piece := answer.read(1 << 16):
                content += piece
                progress(name, len(content), total)
                if len(content) > _LONGEST:
                    break
    except urllib.error.HTTPError as error:
        raise Problem(
            f"{name} gibt es unter {url} nicht (Antwort {error.code}); von Hand laden und mit „bordstein images add“ "
            "aufnehmen.",
            f'{name} is not at {url} (answer {error.code}); download it by hand and take it in with "bordstein images '
            'add".',
        ) from None
    except (OSError, ValueError):
        total = -1
    if len(content) != (total or len(content)):
        raise Problem(
            f"{name} lässt sich nicht laden, {url} antwortet nicht: mit Internet noch einmal versuchen, oder die Datei "
            "von einem anderen Computer mit „bordstein images add“ aufnehmen.",
            f"{name} cannot be downloaded, {url} does not answer: try again where there is internet, or take the file "
            'in from another computer with "bordstein images add".',
        )
    return bytes(content)


def _put(name: str, content: bytes) -> Image:
    chip = chip_of(content, name)
    found = hashlib.sha256(content).hexdigest()
    for board in boards.known().values():
        image = board.get("image", {})
        if image.get("name") == name and image.get("sha256", found) != found:
            raise Problem(
                f"{name} hat eine falsche Prüfsumme und wird nicht benutzt; die Datei noch einmal laden.",
                f"{name} has a wrong check sum and is not used; download the file again.",
            )
    path = folder() / (name if name.endswith(".bin") else f"{name}.bin")
    keyfiles.make_folder(path.parent)
    for file, data in ((path, content), (path.with_suffix(".sha256"), f"{found}\n".encode())):
        keyfiles.replace(file, data)
    return Image(path, chip, len(content), found, True)
