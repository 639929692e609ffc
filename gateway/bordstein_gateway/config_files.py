"""Files that the configuration names: where they are, and reading the secrets in them."""

import os
import re
from pathlib import Path

CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""Where systemd puts a service's credentials (LoadCredential=)."""


class FileProblem(Exception):
    """One sentence why a named file can't be used."""


def find(name: str, folder: Path) -> Path:
    """The readable file that `name` means in a configuration in `folder`; FileProblem."""

    def variable(found: re.Match[str]) -> str:
        value = os.environ.get(found.group(1))
        if value is None:
            raise FileProblem(f"{found.group()} is not set in the environment")
        return value

    expanded = Path(re.sub(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", variable, name))
    path = folder / expanded
    credentials = os.environ.get(CREDENTIALS)
    if credentials and not expanded.is_absolute() and (Path(credentials) / expanded).is_file():
        path = Path(credentials) / expanded
    try:
        if path.is_dir():
            raise FileProblem(f"{path} is a folder, not a file")
        with path.open("rb"):
            return path
    except FileNotFoundError:
        raise FileProblem(f"there is no file {path}") from None
    except OSError as error:
        raise FileProblem(f"{path} can't be read: {error.strerror}") from None


def secret(path: str | Path) -> str:
    """What a file of secrets holds, without the line end; FileProblem when that is nothing."""
    try:
        text = Path(path).read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise FileProblem(f"{path} can't be read as text: {error}") from None
    if not text:
        raise FileProblem(f"{path} is empty")
    return text
