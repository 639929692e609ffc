"""Files that the configuration names: where they are, and reading the secrets in them."""

import os
import re
from pathlib import Path
from typing import Any

from ..texts import os_reason, pick

CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""Where systemd puts a service's credentials (LoadCredential=)."""


class FileProblem(Exception):
    """One sentence why a named file can't be used."""


def place(name: str, folder: Path) -> Path:
    """The file that `name` means in a configuration in `folder`, whether it is there or not; FileProblem."""

    def variable(found: re.Match[str]) -> str:
        value = os.environ.get(found.group(1))
        if value is None:
            raise FileProblem(
                pick(f"{found.group()} fehlt in der Umgebung", f"{found.group()} is not set in the environment")
            )
        return value

    expanded = Path(re.sub(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", variable, name))
    credentials = os.environ.get(CREDENTIALS)
    if credentials and not expanded.is_absolute() and (Path(credentials) / expanded).is_file():
        return Path(credentials) / expanded
    return folder / expanded


def find(name: str, folder: Path) -> Path:
    """The same, of a file that is there and can be read; FileProblem."""
    path = folder / name
    try:
        path = place(name, folder)
        if path.is_dir():
            raise FileProblem(pick(f"{path} ist ein Ordner, keine Datei", f"{path} is a folder, not a file"))
        if path.exists() and not path.is_file():  # reading a pipe or a device might never end
            raise FileProblem(pick(f"{path} ist keine gewöhnliche Datei", f"{path} is not a regular file"))
        with path.open("rb"):
            return path
    except FileNotFoundError:
        raise FileProblem(pick(f"die Datei {path} gibt es nicht", f"there is no file {path}")) from None
    except OSError as error:
        raise FileProblem(
            pick(f"{path} ist nicht lesbar: {os_reason(error)}", f"{path} can't be read: {error.strerror}")
        ) from None


def secret(path: str | Path) -> str:
    """What a file of secrets holds, without the line end; FileProblem when that is nothing."""
    try:
        text = Path(path).read_text(encoding="utf-8").strip("\r\n")
    except UnicodeDecodeError:
        raise FileProblem(pick(f"{path} ist kein Text in UTF-8", f"{path} is no text in UTF-8")) from None
    except OSError as error:
        raise FileProblem(
            pick(f"{path} ist nicht lesbar: {os_reason(error)}", f"{path} can't be read: {error.strerror}")
        ) from None
    if not text:
        raise FileProblem(pick(f"{path} ist leer", f"{path} is empty"))
    return text


def no_secret(file: Any) -> str:
    """Why there is no secret in a file; empty where there is one, and where no file is named."""
    try:
        if isinstance(file, str):
            secret(file)
    except FileProblem as problem:
        return str(problem)
    return ""


def no_authority(file: Any) -> str:
    """Why a file does not do as the certificate of an authority; empty where it does, and where no file is named."""
    if not isinstance(file, str):
        return ""
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except (ssl.SSLError, OSError):
        return pick(f"{file} enthält kein Zertifikat in PEM", f"{file} holds no certificate in PEM")
    return ""
