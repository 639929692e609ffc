"""Photos: whatever a phone sends becomes a JPEG of moderate size that says nothing but what is to be seen.

EXIF, with place and time and the phone's number, stays out: the pixels are written anew.
"""

import hashlib
import io
import threading
from typing import NamedTuple

from ..store import cases as rows
from ..store.connection import Connection
from .states import CaseProblem

LARGEST = 10 * 1024 * 1024
PIXELS = 13_000_000
"""What telephones call 12 megapixels are 12.2 or 12.5 million."""
EDGE = 1600
KIND = "image/jpeg"
_QUALITY = 82
_ONE = threading.Lock()
"""One takes up to 60 MB: many at once would be the gateway's end."""
_FORMATS = ("JPEG", "PNG", "WEBP")


class Photo(NamedTuple):
    """`digest`: SHA-256 of content, hex."""

    digest: str
    content: bytes
    width: int
    height: int


def prepared(content: bytes) -> Photo:
    """A JPEG of at most 1600 pixels, upright, without metadata; CaseProblem: it is no picture, or too large. Takes a
    tenth of a second: not in the event loop's thread."""
    from PIL import Image, ImageOps

    if len(content) > LARGEST:
        raise CaseProblem(
            f"Das Foto hat {len(content) / 1048576:.0f} MB; höchstens {LARGEST // 1048576} MB, also kleiner aufnehmen.",
            f"The photo has {len(content) / 1048576:.0f} MB; {LARGEST // 1048576} MB at most, so take a smaller one.",
        )
    try:
        with _ONE, Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            if image.width * image.height > PIXELS:
                raise CaseProblem(
                    f"Das Foto hat {image.width}×{image.height} Pixel; höchstens 13 Megapixel, also kleiner aufnehmen.",
                    f"The photo has {image.width}×{image.height} pixels; 13 megapixels at most, so take a smaller one.",
                )
            image.draft("RGB", (EDGE, EDGE))  # a large JPEG is read at half its size at once: a quarter of the memory
            image.thumbnail((EDGE, EDGE))
            upright = ImageOps.exif_transpose(image)
            flat = Image.new("RGB", upright.size, "white")  # nothing comes along but pixels
            if upright.has_transparency_data:
                layer = upright.convert("RGBA")
                flat.paste(layer, mask=layer.getchannel("A"))
            else:
                flat.paste(upright.convert("RGB"))
    except CaseProblem:
        raise
    except Exception:  # noqa: BLE001  (Pillow raises whatever its decoders come across; all of it says: no picture)
        raise CaseProblem(
            "Die Datei ist kein Foto, das sich lesen lässt; JPEG, PNG oder WebP schicken.",
            "The file is no photo that can be read; send JPEG, PNG or WebP.",
        ) from None
    out = io.BytesIO()
    flat.save(out, "JPEG", quality=_QUALITY, optimize=True)
    made = out.getvalue()
    return Photo(hashlib.sha256(made).hexdigest(), made, flat.width, flat.height)


def keep(connection: Connection, photo: Photo, at: int, actor: str) -> None:
    """Put it into the store; the same picture again changes nothing."""
    rows.add_photo(connection, photo.digest, KIND, photo.content, photo.width, photo.height, at, actor)
