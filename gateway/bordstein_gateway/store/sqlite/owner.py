"""What root makes beside the service's files has to belong to the service, or it could not open it."""

import os
from contextlib import suppress
from pathlib import Path


def as_folder(path: Path) -> None:
    """As root: give a file to whom its folder belongs."""
    if os.geteuid() == 0:
        with suppress(OSError):
            owner = path.absolute().parent.stat()
            os.chown(path, owner.st_uid, owner.st_gid)


def make_folder(folder: Path) -> None:
    """A folder that is not there yet, for the service to write to. OSError."""
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        as_folder(folder)
