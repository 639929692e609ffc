"""A configuration in the person's own editor. What was typed is never lost: until all is done it stays in a file."""

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from ..keys import keyfiles
from ..texts import Problem, pick, reason


@contextlib.contextmanager
def draft(name: str, text: bytes) -> Iterator[Path]:
    """A file with this text that nobody else may read, here or else where temporary files lie; gone at the end.

    When it does not end well it stays, if somebody has changed it, and the Problem says where.
    """
    path = _new(name)
    path.write_bytes(text)

    def changed() -> bool:
        try:
            return path.read_bytes() != text
        except OSError:  # the editor has removed it
            return False

    try:
        yield path
    except Problem as problem:
        if not changed():
            path.unlink(missing_ok=True)
            raise
        raise Problem(
            f"{problem.de} Der Text liegt in {path}; mit „bordstein configure apply {path}“ kommt er auf das Gerät.",
            f'{problem.en} The text is in {path}; "bordstein configure apply {path}" puts it onto the board.',
        ) from None
    except BaseException:
        if changed():
            print(pick(f"Der Text liegt in {path}.", f"The text is in {path}."), file=sys.stderr)  # noqa: T201
        else:
            path.unlink(missing_ok=True)
        raise
    path.unlink(missing_ok=True)


def revised(path: Path, mistakes: Callable[[bytes], list[str]], again: Callable[[list[str]], bool]) -> bytes | None:
    """The file's content after the person has edited it, without mistakes; None: left as it was. Problem: given up.

    mistakes: all in such a content. again: shows them and asks whether to go on.
    """
    before = path.read_bytes()
    while True:
        _edit(path)
        content = keyfiles.read(path, "Der Text", "the text")
        if content == before:
            return None
        found = mistakes(content)
        if not found:
            return content
        if not again(found):
            raise Problem("Auf dem Gerät wurde nichts geändert.", "nothing was changed on the board.")


def _new(name: str) -> Path:
    try:
        descriptor, path = tempfile.mkstemp(".json", f"{name}-", Path.cwd())
    except OSError:
        descriptor, path = tempfile.mkstemp(".json", f"{name}-")
    os.close(descriptor)
    return Path(path)


def _edit(path: Path) -> None:
    chosen = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if chosen:
        # On Windows a backslash is no escape, and the quotation marks stay.
        words = [word.strip('"') for word in shlex.split(chosen, posix=os.name != "nt")]
    else:
        usual = ("notepad",) if os.name == "nt" else ("sensible-editor", "nano", "vim", "vi")
        words = [next((word for word in usual if shutil.which(word)), usual[-1])]
    try:
        code = subprocess.run([*words, path], check=False).returncode  # noqa: S603  # it is the person's own
    except OSError as error:
        raise Problem(
            f"Der Editor {words[0]} startet nicht ({reason(error)}); EDITOR nennt, welcher es sein soll.",
            f"the editor {words[0]} does not start ({error.strerror}); EDITOR says which one it is to be.",
        ) from None
    if code:
        raise Problem(
            f"Der Editor {words[0]} ging mit einem Fehler zu Ende ({code}).",
            f"the editor {words[0]} ended with an error ({code}).",
        )
