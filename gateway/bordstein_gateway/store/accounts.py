"""Accounts of the staff's pages and their logins. Times in ms."""

import json
import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

from . import audit
from .connection import Connection
from .core import Store


class Account(NamedTuple):
    """One account. `password`: its argon2id hash, empty where it comes by OpenID Connect; `subject`: issuer and sub."""

    name: str
    full_name: str
    role: str
    desks: tuple[str, ...] = ()
    mail: str = ""
    password: str = ""
    must_change: bool = False
    disabled: bool = False
    subject: str | None = None
    created: int = 0
    last_login: int | None = None


class Login(NamedTuple):
    """A browser that is logged in. `digest`: SHA-256 of what its cookie holds; `csrf`: what its forms hold."""

    digest: str
    account: str
    csrf: str
    created: int
    used: int
    expires: int


CHANGED, SAME, MISSING, LAST = "changed", "same", "missing", "last"
PROVIDER = "OpenID Connect"
"""The actor of what an account is by its provider."""
_ACCOUNT = ", ".join(Account._fields)
_LOGIN = ", ".join(Login._fields)
_PUT = (
    f"INSERT INTO account ({_ACCOUNT}) VALUES ({', '.join('?' * len(Account._fields))})"
    " ON CONFLICT (name) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in Account._fields if name not in ("name", "created"))
)


class Accounts:
    """The part of a store that knows accounts. What changes something returns a Future that is done when it is on
    disk."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> list[Account]:
        """By name."""
        with self._store.database.reading() as connection:
            return [_account(row) for row in connection.execute(f"SELECT {_ACCOUNT} FROM account ORDER BY name")]

    def get(self, name: str) -> Account | None:
        with self._store.database.reading() as connection:
            return get(connection, name)

    def login(self, digest: str) -> tuple[Login, Account] | None:
        """The login of a cookie, and whose it is."""
        with self._store.database.reading() as connection:
            row = connection.execute(f"SELECT {_LOGIN} FROM login WHERE digest = ?", (digest,)).fetchone()
            account = get(connection, row[1]) if row else None
        return (Login(*row), account) if account is not None else None

    def logins(self, name: str) -> list[Login]:
        """All logins of an account, the newest first."""
        with self._store.database.reading() as connection:
            rows = connection.execute(
                f"SELECT {_LOGIN} FROM login WHERE account = ? ORDER BY used DESC, digest", (name,)
            ).fetchall()
        return [Login(*row) for row in rows]

    def begin(self, login: Login, before: str | None = None) -> "Future[None]":
        """Somebody has logged in; `before`: the login that this one replaces."""

        def job(connection: Connection) -> None:
            connection.execute("DELETE FROM login WHERE digest = ? OR expires < ?", (before or "", login.created))
            connection.execute(f"INSERT INTO login ({_LOGIN}) VALUES ({', '.join('?' * len(login))})", login)
            connection.execute("UPDATE account SET last_login = ? WHERE name = ?", (login.created, login.account))

        return self._store.submit(job)

    def add(self, account: Account, actor: str) -> "Future[bool]":
        """A new account. False: its name is taken."""

        def job(connection: Connection) -> bool:
            if get(connection, account.name) is not None:
                return False
            put(connection, account)
            _note(connection, actor, "account added", account.name, role=account.role, desks=account.desks)
            return True

        return self._store.submit(job)

    def change(self, name: str, actor: str, **values: Any) -> "Future[str]":
        """Other full_name, role, desks, mail, disabled: CHANGED, SAME, MISSING, or LAST where nobody else could give
        rights. Of a disabled account all logins end."""

        def job(connection: Connection) -> str:
            old = get(connection, name)
            if old is None:
                return MISSING
            new = old._replace(**values)
            if new == old:
                return SAME
            if _administers(old) and not _administers(new) and not _others(connection, name):
                return LAST
            put(connection, new)
            if new.disabled:
                log_out(connection, name)
            different = {field: getattr(new, field) for field in values if getattr(new, field) != getattr(old, field)}
            _note(connection, actor, "account changed", name, **different)
            return CHANGED

        return self._store.submit(job)

    def set_password(self, name: str, hash: str, *, actor: str, keep: str = "") -> "Future[bool]":
        """A new password; all logins end but one. Whose `actor` is another has to change it. False: nobody is called
        so, or comes by OpenID Connect."""

        def job(connection: Connection) -> bool:
            account = get(connection, name)
            if account is None or account.subject:
                return False
            put(connection, account._replace(password=hash, must_change=actor != name))
            log_out(connection, name, keep)
            _note(connection, actor, "password set", name)
            return True

        return self._store.submit(job)

    def come(self, account: Account) -> "Future[Account]":
        """Somebody comes by OpenID Connect: made at the first time, later as the provider says now. A name that another
        account has gets a number."""

        def job(connection: Connection) -> Account:
            row = connection.execute("SELECT name FROM account WHERE subject = ?", (account.subject,)).fetchone()
            old = get(connection, row[0]) if row else None
            name = old.name if old is not None else _free(connection, account.name)
            new = account._replace(name=name)
            if old is not None:
                new = new._replace(disabled=old.disabled, created=old.created, last_login=old.last_login)
            if new != old:
                put(connection, new)
                action = "account changed" if old is not None else "account added"
                _note(connection, PROVIDER, action, name, role=new.role, desks=new.desks)
            return new

        return self._store.submit(job)

    def log_out(self, name: str, actor: str) -> "Future[None]":
        """End all logins of an account."""

        def job(connection: Connection) -> None:
            log_out(connection, name)
            _note(connection, actor, "logged out everywhere", name)

        return self._store.submit(job)

    def leave(self, subject: str) -> "Future[None]":
        """The provider gives this account no role any more: its logins end."""

        def job(connection: Connection) -> None:
            row = connection.execute("SELECT name FROM account WHERE subject = ?", (subject,)).fetchone()
            if row and connection.execute("SELECT 1 FROM login WHERE account = ?", (row[0],)).fetchone():
                log_out(connection, row[0])
                _note(connection, PROVIDER, "logged out everywhere", row[0])

        return self._store.submit(job)

    def touch(self, digest: str, used: int) -> "Future[None]":
        return self._run("UPDATE login SET used = ? WHERE digest = ?", (used, digest))

    def end(self, digest: str) -> "Future[None]":
        return self._run("DELETE FROM login WHERE digest = ?", (digest,))

    def _run(self, sql: str, values: Sequence[Any]) -> "Future[None]":
        def job(connection: Connection) -> None:
            connection.execute(sql, values)

        return self._store.submit(job)


def get(connection: Connection, name: str) -> Account | None:
    """An account, inside a job."""
    row = connection.execute(f"SELECT {_ACCOUNT} FROM account WHERE name = ?", (name,)).fetchone()
    return _account(row) if row else None


def put(connection: Connection, account: Account) -> None:
    """Enter an account, or change it, inside a job."""
    numbers = {"must_change": int(account.must_change), "disabled": int(account.disabled)}
    row = account._asdict() | numbers | {"desks": json.dumps(account.desks, ensure_ascii=False)}
    connection.execute(_PUT, [row[name] for name in Account._fields])


def log_out(connection: Connection, name: str, but: str = "") -> None:
    """End all logins of an account but one, inside a job."""
    connection.execute("DELETE FROM login WHERE account = ? AND digest != ?", (name, but))


def _administers(account: Account) -> bool:
    return account.role == "administrator" and not account.disabled


def _others(connection: Connection, name: str) -> int:
    """How many else administer."""
    (count,) = connection.execute(
        "SELECT count(*) FROM account WHERE role = 'administrator' AND disabled = 0 AND name != ?", (name,)
    ).fetchone()
    return int(count)


def _free(connection: Connection, name: str) -> str:
    wanted, number = name, 1
    while get(connection, wanted) is not None:
        number += 1
        wanted = f"{name}-{number}"
    return wanted


def _note(connection: Connection, actor: str, action: str, name: str, **detail: Any) -> None:
    audit.enter(connection, int(time.time() * 1000), actor, action, f"account {name}", detail)


def _account(row: Sequence[Any]) -> Account:
    found = Account(*row)
    return found._replace(
        desks=tuple(json.loads(str(found.desks))),
        must_change=bool(found.must_change),
        disabled=bool(found.disabled),
    )
