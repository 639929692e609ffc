"""Logins by OpenID Connect at a provider that is as strict as Keycloak, and one that can't be trusted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from bordstein_gateway.config.office import Desk, OpenIdConnect, Pages
from bordstein_gateway.store import Store
from bordstein_gateway.store.accounts import Accounts
from bordstein_gateway.web.accounts.oidc import listed
from tests.gateway.loopback import Loopback
from tests.gateway.staff import Client, Staff, account, enter, token
from tests.street.oidc_server import Provider

HOME = "https://sensoren.musterstadt.de"
SECRET = "Klient & Geheimnis: ü"
KRAFT: dict[str, Any] = {
    "sub": "0b7c",
    "preferred_username": "K.Kraft",
    "name": "Karla  Kraft",
    "email": "k.kraft@musterstadt.de",
    "realm_access": {"roles": ["offline_access", "bauhof", "leitung"]},
    "desks": ["depot", "nowhere"],
}


@pytest.fixture(scope="module")
def server() -> Iterator[Provider]:
    provider = Provider("bordstein", SECRET, f"{HOME}/app/login/oidc/back", f"{HOME}/app/login")
    with Loopback(provider.app) as loopback:
        provider.issuer = f"{loopback.url}/realms/town"
        yield provider


@pytest.fixture
def provider(server: Provider) -> Provider:
    server.fault, server.denies, server.user = "", False, dict(KRAFT)
    server.asked.clear()
    server.logouts.clear()
    return server


@pytest.fixture
def staff(store: Store, provider: Provider, tmp_path: Path) -> Staff:
    (tmp_path / "secret").write_text(SECRET, encoding="utf-8")
    settings = OpenIdConnect(
        issuer=provider.issuer,
        client_id="bordstein",
        client_secret_file=str(tmp_path / "secret"),
        label="Stadt-Konto",
        desks_claim="desks",
        roles={"bauhof": "worker", "leitung": "dispatcher", "sensor-admin": "administrator"},
    )
    return Staff(store, pages=Pages(url=HOME, oidc=settings), desk={"depot": Desk(title="Bauhof")})


def there(url: str) -> str:
    """The provider's answer to a browser, as the way back."""
    answer = httpx2.get(url)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"].removeprefix(HOME)


def sign_on(client: Client, to: str = "/app/accounts") -> httpx2.Response:
    """A login at the provider."""
    begun = client.get(f"/app/login/oidc?to={to}")
    assert begun.status_code == 303, begun.text
    return client.get(there(begun.headers["location"]))


def test_who_comes_by_the_provider_has_its_role_desks_and_page(staff: Staff, provider: Provider) -> None:
    client = staff.visitor()
    assert "Weiter mit Stadt-Konto" in client.get("/app/login?to=/app/account").text
    back = sign_on(client, "/app/account")
    assert (back.status_code, back.headers["location"]) == (303, "/app/account")
    page = client.get("/app/account").text
    for words in ("k.kraft", "Karla Kraft", "Disposition", "Bauhof", "k.kraft@musterstadt.de"):
        assert words in page
    assert "nowhere" not in page and "Passwort ändern" not in page
    kept = Accounts(staff.store).get("k.kraft")
    assert kept and (kept.password, kept.subject) == ("", f"{provider.issuer} 0b7c")


def test_the_provider_says_at_each_login_what_somebody_may(staff: Staff, provider: Provider) -> None:
    sign_on(staff.visitor())
    provider.user |= {"realm_access": {"roles": ["bauhof"]}, "desks": [], "preferred_username": "k.neu"}
    client = staff.visitor()
    sign_on(client)
    kept = Accounts(staff.store).get("k.kraft")
    assert kept and (kept.role, kept.desks) == ("worker", ())
    provider.user |= {"realm_access": {"roles": ["uma_authorization"]}}
    refused = sign_on(staff.visitor())
    assert refused.status_code == 403 and "keine Rolle" in refused.text
    assert client.get("/app/cases").status_code == 303, "what was begun with a role ends with it"


def test_roles_that_only_the_user_info_has_count(staff: Staff, provider: Provider) -> None:
    provider.user = {"sub": "1", "only user info": {"realm_access": {"roles": ["bauhof"]}, "name": "Nur Dort"}}
    assert sign_on(staff.visitor()).status_code == 303
    provider.fault = "other user info"
    assert sign_on(staff.visitor()).status_code == 403


def test_nobody_becomes_a_local_account_by_its_name(staff: Staff, provider: Provider) -> None:
    provider.user |= {"preferred_username": "administrator"}
    client = staff.visitor()
    assert sign_on(client).status_code == 303
    assert client.get("/app/accounts").status_code == 403
    assert Accounts(staff.store).get("administrator-2") is not None


def test_an_account_that_is_disabled_here_stays_out(staff: Staff, provider: Provider) -> None:
    sign_on(staff.visitor())
    staff.client("administrator").post("/app/accounts/k.kraft/disable")
    refused = sign_on(staff.visitor())
    assert refused.status_code == 403 and "gesperrt" in refused.text


@pytest.mark.parametrize(
    "fault", ["nonce", "none", "hmac", "expired", "aud", "iss", "azp", "foreign key", "no id_token"]
)
def test_a_token_that_proves_nothing_lets_nobody_in(staff: Staff, provider: Provider, fault: str) -> None:
    client = staff.visitor()
    provider.fault = fault
    refused = sign_on(client)
    assert refused.status_code == 403 and "Anmeldedienst antwortet" in refused.text
    assert client.get("/app/account").status_code == 303 and Accounts(staff.store).get("k.kraft") is None


def test_keys_that_the_provider_changed_are_fetched_again(staff: Staff, provider: Provider) -> None:
    sign_on(staff.visitor())
    assert provider.asked.count("certs") == 1
    sign_on(staff.visitor())
    assert provider.asked.count("certs") == 1
    provider.rotate()
    assert sign_on(staff.visitor()).status_code == 303
    assert provider.asked.count("certs") == 2


def test_an_answer_counts_once_and_only_in_the_browser_that_asked(staff: Staff, provider: Provider) -> None:
    client, other = staff.visitor(), staff.visitor()
    back = there(client.get("/app/login/oidc").headers["location"])
    assert other.get(back).status_code == 403  # somebody was sent a link to another's login
    assert client.get(back).status_code == 403  # which has used it up
    back = there(client.get("/app/login/oidc").headers["location"])
    assert client.get(back).status_code == 303
    assert client.get(back).status_code == 403
    back = there(client.get("/app/login/oidc").headers["location"])
    asked = len(provider.asked)
    for changed in (back.replace("state=", "state=x"), back.replace("town", "evil"), back.partition("&iss=")[0]):
        assert client.get(changed).status_code == 403
    assert len(provider.asked) == asked


def test_a_provider_that_refuses_or_is_away_is_named_in_a_sentence(staff: Staff, provider: Provider) -> None:
    provider.denies = True
    assert "abgelehnt" in sign_on(staff.visitor()).text
    provider.fault = "503"
    fresh = Staff(staff.store, pages=staff.config.pages)
    answer = fresh.visitor().get("/app/login/oidc?lang=en")
    assert answer.status_code == 502 and "try again later" in answer.text
    assert fresh.visitor().log_in("reader").status_code == 303  # local accounts go on


def test_a_wrong_secret_or_redirect_is_refused_there(staff: Staff, provider: Provider, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("another")
    assert sign_on(staff.visitor()).status_code == 403
    elsewhere = Staff(staff.store, pages=Pages(url="https://other.example", oidc=staff.config.pages.oidc))
    url = elsewhere.visitor().get("/app/login/oidc").headers["location"]
    assert httpx2.get(url).status_code == 400


def test_logging_out_ends_the_login_at_the_provider(staff: Staff, provider: Provider) -> None:
    client = staff.visitor()
    sign_on(client)
    client.csrf = token(client.get("/app/account").text)
    left = client.post("/app/logout")
    url = left.headers["location"]
    assert url.startswith(f"{provider.issuer}/logout?") and httpx2.get(url).status_code == 302
    assert provider.logouts[0]["id_token_hint"]
    assert client.get("/app/account").status_code == 303
    local = staff.client("reader").post("/app/logout")
    assert local.headers["location"] == "/app/login"


def test_the_way_there_has_pkce_state_and_nonce_each_time_anew(staff: Staff, provider: Provider) -> None:
    queries = [parse_qs(urlsplit(staff.visitor().get("/app/login/oidc").headers["location"]).query) for _ in range(2)]
    for name in ("state", "nonce", "code_challenge"):
        assert queries[0][name] != queries[1][name] and len(queries[0][name][0]) >= 43
    assert queries[0]["redirect_uri"] == [f"{HOME}/app/login/oidc/back"]


def test_no_secret_is_in_the_log(
    staff: Staff, provider: Provider, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    enter(staff.store, account("kraft", "reader"))
    provider.fault = "nonce"
    sign_on(staff.visitor())
    (tmp_path / "secret").write_text("ganz-falsch")
    sign_on(staff.visitor())
    said = "".join(capsys.readouterr())
    assert "no login by OpenID Connect" in said and SECRET not in said and "ganz-falsch" not in said


def test_claims_are_found_at_their_path() -> None:
    claims = {"a": {"b": ["x", 1, "y"]}, "https://town.example/roles": ["z"], "c": "one"}
    assert listed(claims, "a.b") == ["x", "y"] and listed(claims, "https://town.example/roles") == ["z"]
    assert listed(claims, "c") == ["one"] and listed(claims, "a.b.c") == listed(claims, None) == []
