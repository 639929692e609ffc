"""A real PostgreSQL of the town's, on a free port of 127.0.0.1, in a folder that is removed with it."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from tests.street.processes import NotReady, Process, free_port, until

USER, PASSWORD = "bordstein", "the town's p4ssword"


def _program(name: str) -> str:
    """Debian keeps PostgreSQL's programs where only its own scripts look."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    path = shutil.which(name) or next((str(place / name) for place in places if (place / name).exists()), None)
    if path is None:
        raise NotReady("PostgreSQL is not installed; run: sudo apt-get install postgresql")
    return path


class TownDatabase(Process):
    """`admin`: what its superuser connects with. `url`: of the gateway's user, without the password."""

    def __init__(self) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="town-database-"))
        as_user: list[str] = []
        if os.geteuid() == 0:  # the server refuses to run as root
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
            as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        data = self.folder / "data"
        subprocess.run(
            [*as_user, _program("initdb"), "-D", data, "-U", "admin", "-A", "trust", "-N", "-E", "UTF8"],
            check=True,
            capture_output=True,
            cwd="/",
        )
        rules = "host all admin 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        (data / "pg_hba.conf").write_text(rules)
        command = [*as_user, _program("postgres"), "-D", data, "-p", self.port, "-h", "127.0.0.1", "-k", ""]
        super().__init__("postgresql", [*command, "-c", "fsync=off"], self.folder / "log")
        self.admin = f"postgresql://admin@127.0.0.1:{self.port}/postgres"
        self.url = f"postgresql://{USER}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        super().start()
        self.wait_ready(self._answers, 30)

    def stop(self, seconds: float = 15) -> int:
        """At once, whoever is connected (a fast shutdown)."""
        if self.running:
            self._signal(signal.SIGINT)
        return super().stop(seconds) if not until(lambda: not self.running, seconds) else 0

    def create_user(self) -> None:
        """The gateway's user, who may make tables."""
        self.run(f"CREATE USER {USER} PASSWORD '{PASSWORD.replace(chr(39), chr(39) * 2)}'")
        self.run(f"GRANT CREATE, USAGE ON SCHEMA public TO {USER}")

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        """What the superuser does; the rows of a query."""
        with psycopg.connect(self.admin, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            self.run("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True
