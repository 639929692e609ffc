"""A PostgreSQL server for tests: a cluster of its own in a temporary folder, on a free port of 127.0.0.1.

with Postgres() as server:
    place = server.database()            # a new, empty database; Store.open(place)
    server.kill(); server.start()        # SIGKILL; back on the same port with what was on disk
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from bordstein_gateway.store import Postgres as Place
from bordstein_gateway.store import Store
from tests.street.processes import NotReady, Process, free_port, until

USER = "gateway"
# Who has a password must say it; the tests' own user need not.
_HBA = "host all locked,bordstein 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n"
_TEMPLATE = "empty"


def programs() -> Path:
    """The folder of the newest PostgreSQL here; Debian keeps it off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    if found:
        return found[-1]
    path = shutil.which("postgres")
    if path is None:
        raise NotReady("PostgreSQL is not installed; run make setup, or: sudo apt-get install postgresql")
    return Path(path).parent


class Postgres(Process):
    """The server. It refuses to run as root, so then it runs as somebody else."""

    def __init__(self, **settings: object) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="bordstein-postgres-"))
        self.port = free_port()
        self._numbers = count(1)
        self._has_template = False
        as_other: list[str] = []
        if os.geteuid() == 0:
            other = pwd.getpwnam("nobody")
            os.chown(self.folder, other.pw_uid, other.pw_gid)
            # The kernel's promise to end it with its parent is lost with the change of user; setpriv makes it anew.
            as_other = ["setpriv", f"--reuid={other.pw_uid}", f"--regid={other.pw_gid}", "--clear-groups"]
        data = self.folder / "data"
        initdb = [programs() / "initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"]
        done = subprocess.run([*as_other, *map(str, initdb)], capture_output=True, text=True, cwd="/", check=False)
        if done.returncode:
            raise NotReady(f"initdb: {done.stdout}{done.stderr}")
        (data / "pg_hba.conf").write_text(_HBA)
        values = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",
            "shared_buffers": "16MB",
            "max_connections": 60,
            **settings,
        }
        with (data / "postgresql.conf").open("a") as conf:
            conf.writelines(f"{name} = '{value}'\n" for name, value in values.items())
        end = ["--pdeathsig", "KILL"] if as_other else []
        super().__init__("postgres", [*as_other, *end, programs() / "postgres", "-D", data], self.folder / "log")

    def start(self) -> None:
        # After a crash its children hold the shared memory for a moment.
        for _ in range(50):
            super().start()
            if until(lambda: self._answers() or not self.running, 60) and self.running:
                return
            if "shared memory" not in self.tail():
                break
        raise NotReady(f"postgres did not start:\n{self.tail()}")

    def stop(self, seconds: float = 15) -> int:
        """At once, whoever is connected."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGINT)
            if self.process is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(seconds)
        return super().stop(seconds)

    def run(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """As the server's owner."""
        with psycopg.connect(self.address(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def address(self, database: str, user: str = USER) -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def database(self) -> Place:
        """A new one with empty tables in it; quicker than to make them each time."""
        number = next(self._numbers)
        if not self._has_template:
            self._has_template = True
            self.run(f"CREATE DATABASE {_TEMPLATE}")
            Store.open(Place(self.address(_TEMPLATE))).close()
        self.run(f"CREATE DATABASE town_{number} TEMPLATE {_TEMPLATE} STRATEGY file_copy")
        return Place(self.address(f"town_{number}"))

    def blank(self) -> Place:
        """A new one without any table."""
        number = next(self._numbers) + 100_000
        self.run(f"CREATE DATABASE town_{number}")
        return Place(self.address(f"town_{number}"))

    def _answers(self) -> bool:
        try:
            self.run("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
