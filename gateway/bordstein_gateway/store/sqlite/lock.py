"""Only one gateway writes to a store: a lock on a file beside it, which the kernel releases when its holder ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...texts import both
from ..types import StoreTaken
from .database import explain
from .owner import as_folder


@contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """Held while the block runs. StoreTaken: another gateway holds it. StoreError: the file can't be written."""
    try:
        file = path.with_name(path.name + ".lock").open("a")
    except OSError as error:
        raise explain(error, path) from error
    with file:
        as_folder(Path(file.name))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreTaken(
                both(
                    f"Ein anderes bordstein-gateway läuft mit {path}; es beenden oder eine andere Datei als store.path "
                    "nennen.",
                    f"Another bordstein-gateway runs on {path}; stop it, or name another file as store.path.",
                )
            ) from None
        yield
