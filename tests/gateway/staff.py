"""The staff's pages with an account of each role, for tests: by Starlette's client, or on a port for a browser.

office = Staff(store)                         # or Staff(store, pages=Pages(url="https://…"), desk={…})
worker = office.client("worker")              # logged in
worker.post("/app/cases/1/take", {…})         # with the form's token
"""

import re
import time
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx2
from starlette.testclient import TestClient

from bordstein_gateway.config import config
from bordstein_gateway.status import ServiceState
from bordstein_gateway.store import Store
from bordstein_gateway.store.accounts import Account, put
from bordstein_gateway.web import app as web
from bordstein_gateway.web.accounts import passwords
from bordstein_gateway.web.pages.rights import ROLES

PASSWORD = "Kirschbaum am Brunnen"
_TOKEN = re.compile(r'name="csrf" value="([^"]+)"')
HERE = "http://testserver"


@cache
def password_hash() -> str:
    """Of PASSWORD; made once, as it takes long on purpose."""
    return passwords.hashed(PASSWORD)


def account(name: str, role: str, **values: Any) -> Account:
    """One that can log in with PASSWORD."""
    return Account(name, f"{name.title()} Kraft", role, **({"password": password_hash(), "created": 1} | values))


def enter(store: Store, *accounts: Account) -> None:
    def job(connection: Any) -> None:
        for one in accounts:
            put(connection, one)

    store.submit(job).result(20)


def token(page: str) -> str:
    """The CSRF token of a page's forms."""
    found = _TOKEN.search(page)
    assert found, page
    return found[1]


class Client:
    """A browser without a screen: keeps cookies, follows nothing by itself."""

    def __init__(self, app: Any, base: str = HERE) -> None:
        self.http = TestClient(app, base_url=base, follow_redirects=False)
        self.csrf = ""

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return self.http.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def post(
        self, path: str, data: dict[str, Any] | None = None, *, csrf: str | None = None, **more: Any
    ) -> httpx2.Response:
        """With the token of the login, unless another is given; "" sends none."""
        given = self.csrf if csrf is None else csrf
        return self.http.post(path, data={**(data or {}), **({"csrf": given} if given else {})}, **more)

    def log_in(self, name: str, password: str = PASSWORD) -> httpx2.Response:
        """The answer of the login; afterwards csrf is that of the login."""
        answer = self.post("/app/login", {"name": name, "password": password}, csrf=token(self.get("/app/login").text))
        if answer.status_code == 303:
            self.csrf = token(self.get("/app/account").text)
        return answer


class Staff:
    """The pages of a gateway whose configuration has `settings`; accounts are called as their role."""

    def __init__(self, store: Store, **settings: Any) -> None:
        self.store = store
        self.config = config.Config(**({"mqtt": config.Mqtt(host="localhost")} | settings))
        self.state = ServiceState(self.config, store, started=time.time())
        self.state.ingest.last_turn = time.monotonic()
        self.state.ingest.connected = True
        enter(store, *(account(role, role, desks=("depot",)) for role in ROLES))
        self.app = web.app(self.state)

    def visitor(self) -> Client:
        """Nobody yet."""
        url = urlsplit(self.config.pages.url or HERE)
        return Client(self.app, f"{url.scheme}://{url.netloc}")

    def client(self, name: str) -> Client:
        """Somebody who is logged in."""
        client = self.visitor()
        assert client.log_in(name).status_code == 303
        return client
