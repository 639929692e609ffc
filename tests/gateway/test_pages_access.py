"""Every address of the staff's pages: who may, who may not, and that no other site can press its buttons."""

import re
from collections.abc import Iterator

import pytest

from bordstein_gateway.config.office import Pages
from bordstein_gateway.store import Store
from bordstein_gateway.web.pages.parts import made
from bordstein_gateway.web.pages.rights import ROLES
from bordstein_gateway.web.pages.site import Address, Site
from tests.gateway.staff import Client, Staff, token

_VALUES = {"int": "1"}
_FORBIDDEN_WORDS = ("Dafür fehlt Ihrem Konto das Recht", "Your account lacks the right")


def filled(path: str) -> str:
    """An address with something in place of its parameters."""
    return re.sub(r"\{\w+(?::(\w+))?\}", lambda found: _VALUES.get(found[1] or "", "kein-solches"), path)


@pytest.fixture(scope="module")
def staff(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staff]:
    store = Store.open(tmp_path_factory.mktemp("store") / "store.sqlite")
    yield Staff(store)
    store.close()


@pytest.fixture(scope="module")
def addresses(staff: Staff) -> list[Address]:
    site = Site(staff.state)
    made(site)
    return site.addresses


@pytest.fixture(scope="module")
def clients(staff: Staff) -> dict[str, Client]:
    return {role: staff.client(role) for role in ROLES}


def test_without_a_login_every_address_leads_to_it(staff: Staff, addresses: list[Address]) -> None:
    visitor = staff.visitor()
    closed = [address for address in addresses if address.right is not None]
    assert len(closed) > 10
    for address in closed:
        answer = visitor.http.request(address.method, filled(address.path))
        assert (answer.status_code, answer.headers["location"][:10]) == (303, "/app/login"), address


def test_a_role_gets_403_on_every_address_that_needs_more(clients: dict[str, Client], addresses: list[Address]) -> None:
    refused = 0
    for address in addresses:
        for number, role in enumerate(ROLES):
            if address.right is None or number >= address.right:
                continue
            client = clients[role]
            path = filled(address.path)
            answer = client.get(path) if address.method == "GET" else client.post(path)
            assert answer.status_code == 403 and any(words in answer.text for words in _FORBIDDEN_WORDS), (
                address,
                role,
            )
            refused += 1
    assert refused > 10


def test_a_role_with_the_right_gets_no_403(clients: dict[str, Client], addresses: list[Address]) -> None:
    for address in addresses:
        if address.method == "GET" and "logout" not in address.path:
            role = ROLES[address.right or 0]
            assert clients[role].get(filled(address.path)).status_code in (200, 303, 400, 404, 503), address


@pytest.mark.parametrize("csrf", ["", "wrong"])
def test_a_form_without_its_token_does_nothing(clients: dict[str, Client], addresses: list[Address], csrf: str) -> None:
    for address in addresses:
        if address.method == "POST":
            answer = clients["administrator"].post(filled(address.path), csrf=csrf)
            assert answer.status_code == 403 and ("zu alt" in answer.text or "too old" in answer.text), address
    assert clients["administrator"].get("/app/account").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
)
def test_a_form_that_another_site_sends_does_nothing(clients: dict[str, Client], headers: dict[str, str]) -> None:
    client = clients["administrator"]
    assert client.post("/app/account/logins", headers=headers).status_code == 403
    assert client.get("/app/account").status_code == 200


def test_the_token_of_another_login_is_none(staff: Staff, clients: dict[str, Client]) -> None:
    other = staff.client("administrator")
    assert clients["administrator"].post("/app/account/logins", csrf=other.csrf).status_code == 403


def test_every_page_has_its_headers(staff: Staff, clients: dict[str, Client], addresses: list[Address]) -> None:
    paths = [filled(address.path) for address in addresses if address.method == "GET"]
    for path in [*paths, "/app/keine-seite"]:
        headers = clients["administrator"].get(path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';"), path
        assert "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "same-origin"
        assert "no-store" in headers["cache-control"] or "private" in headers["cache-control"], path


def test_pages_hold_no_inline_script_or_style(clients: dict[str, Client], addresses: list[Address]) -> None:
    for address in addresses:
        if address.method == "GET" and "{" not in address.path:
            page = clients["administrator"].get(address.path).text
            assert not re.search(r"<style|<script(?![^>]*\ssrc=)|\sstyle=|\son[a-z]+=|javascript:", page), address


def test_a_page_that_is_nobodys_says_so_in_both_languages(clients: dict[str, Client]) -> None:
    answer = clients["reader"].get("/app/keine-seite?lang=en")
    assert answer.status_code == 404 and "There is no such page." in answer.text
    assert "Diese Seite gibt es nicht." in clients["reader"].get("/app/keine-seite?lang=de").text


def test_the_language_is_remembered(staff: Staff) -> None:
    visitor = staff.visitor()
    assert '<html lang="de">' in visitor.get("/app/login").text
    assert '<html lang="en">' in visitor.get("/app/login?lang=en").text
    assert '<html lang="en">' in visitor.get("/app/login").text
    assert '<html lang="de">' in staff.visitor().get("/app/login?lang=xx", accept_language="fr").text


def test_a_form_has_a_size(clients: dict[str, Client]) -> None:
    client = clients["reader"]
    assert client.post("/app/account/password", {"new": "x" * 300_000}).status_code == 413
    chunks = client.http.post(
        "/app/account/password",
        content=(b"x" * 10_000 for _ in range(40)),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert chunks.status_code == 413


def test_a_page_that_fails_says_so_without_saying_why(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    client = staff.client("reader")

    def broken(*_: object) -> None:
        raise RuntimeError("geheim")

    monkeypatch.setattr("bordstein_gateway.store.accounts.Accounts.logins", broken)
    answer = client.get("/app/account")
    assert answer.status_code == 500 and "geheim" not in answer.text and "Protokoll" in answer.text


def test_behind_tls_cookies_never_leave_without(store: Store) -> None:
    staff = Staff(store, pages=Pages(url="https://sensoren.musterstadt.de"))
    visitor = staff.visitor()
    page = visitor.get("/app/login")
    answer = visitor.post("/app/login", {"name": "reader", "password": "x"}, csrf=token(page.text))
    assert answer.status_code == 401
    assert page.headers["strict-transport-security"].startswith("max-age=")
    client = staff.client("reader")
    cookies = {cookie.name: cookie for cookie in client.http.cookies.jar}
    assert set(cookies) == {"__Host-bordstein", "__Host-bordstein_form"}
    assert all(cookie.secure and cookie.path == "/" for cookie in cookies.values())
    assert all("HttpOnly" in cookie._rest for cookie in cookies.values())
    proxied = client.post("/app/account/logins", headers={"origin": "https://sensoren.musterstadt.de", "host": "in"})
    assert proxied.status_code == 303


def test_files_are_kept_by_browsers_and_lead_nowhere_else(staff: Staff) -> None:
    visitor = staff.visitor()
    style = re.search(r'href="(/app/static/app\.css\?v=\w+)"', visitor.get("/app/login").text)
    assert style
    assert visitor.get(style[1]).headers["cache-control"] == "public, max-age=31536000, immutable"
    plain = visitor.get("/app/static/app.css")
    assert plain.headers["cache-control"] == "no-cache"
    assert visitor.get("/app/static/app.css", if_none_match=plain.headers["etag"]).status_code == 304
    for path in ("..%2f..%2f__init__.py", "%2e%2e/%2e%2e/__init__.py", "vendor/", "nichts.css"):
        assert visitor.get(f"/app/static/{path}").status_code == 404
