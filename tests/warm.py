"""Runs one of our commands in a process of its own that need not import it first: forked from one that has.

    done = run("bordstein", "ca", "list", cwd=folder)      # as subprocess.run(…, capture_output=True, text=True)

A command takes half a second to start, nearly all of it for imports, and tests start hundreds. Environment, folder,
standard streams and exit code are its own; there is no terminal. Whatever depends on the start of Python itself
(locale, signals, a terminal, what is imported) has to be tested with the real program. Texts are made at the import,
so there is a parent for each language.
"""

import importlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_MODULES = {"bordstein": "bordstein_tools.cli", "bordstein-gateway": "bordstein_gateway.cli.main"}
_ROOT = Path(__file__).parents[1]
_lock = threading.Lock()


def run(
    program: str,
    *words: object,
    cwd: Path | None = None,
    lang: str = "en",
    env: Mapping[str, str] | None = None,
    stdin: str | bytes = "",
    timeout: float = 60,
) -> subprocess.CompletedProcess[str]:
    """env: beside this process's own. subprocess.TimeoutExpired."""
    environment = {**os.environ, "BORDSTEIN_LANG": lang, **(env or {})}
    # ascii, so that no two ways to write a file's name in Unicode become one
    order = json.dumps([[str(word) for word in words], str(cwd or Path.cwd()), environment]).encode()
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        _lock,
    ):
        given.write(stdin.encode() if isinstance(stdin, str) else stdin)
        given.seek(0)
        parent = _parent(program, lang)
        parent.settimeout(timeout)
        socket.send_fds(parent, [order], [given.fileno(), out.fileno(), err.fileno()])
        try:
            answer = parent.recv(16)
        except TimeoutError:
            _parent.cache_clear()
            raise subprocess.TimeoutExpired([program, *words], timeout) from None
        assert answer, f"{program} could not be started"
        said = []
        for stream in (out, err):
            stream.seek(0)
            said.append(stream.read().decode())
    return subprocess.CompletedProcess([program, *words], int(answer), *said)


@cache
def _parent(program: str, lang: str) -> socket.socket:
    """One that has imported the program; it ends when this process does."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        subprocess.Popen(
            [sys.executable, "-c", f"from tests import warm; warm.serve({program!r}, {theirs.fileno()})"],
            cwd=_ROOT,
            env={**os.environ, "BORDSTEIN_LANG": lang},
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # no terminal
        )
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    return ours


def serve(program: str, number: int) -> None:
    """The parent's life. number: of its end of the socket."""
    orders = socket.socket(fileno=number)
    main = importlib.import_module(_MODULES[program]).main
    # What nearly every command, and every help, imports when it runs.
    for later in ("typer._adapters", "typer.rich_utils", "cryptography.x509"):
        importlib.import_module(later)
    while True:
        order, streams, _, _ = socket.recv_fds(orders, 1 << 20, 3)
        if not order:
            return
        child = os.fork()
        if not child:
            orders.close()
            os._exit(_child(program, main, *json.loads(order), streams))
        for stream in streams:
            os.close(stream)
        orders.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())


def _child(program: str, main: object, words: list[str], folder: str, env: dict[str, str], streams: list[int]) -> int:
    """Its exit code."""
    assert callable(main)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    sys.argv = [program, *words]
    code = 0
    try:
        main()
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001  # as Python itself does it
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code
