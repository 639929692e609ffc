"""Something that looks like an image of MicroPython, and is small."""

import random

from bordstein_tools.board.images import CHIP_IDS


def image(chip: str, size: int = 40000, seed: int = 1) -> bytes:
    """Header of an image for this chip, then half of it random, half of it easy to compress."""
    header = b"\xe9\x00\x02\x20" + bytes(8) + CHIP_IDS[chip].to_bytes(2, "little") + bytes(10)
    return header + random.Random(seed).randbytes(size // 2) + bytes(size - size // 2 - len(header))
