"""Accounts of the staff's pages: passwords, limits on guessing, sessions, and who makes them."""

import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from bordstein_gateway.cli import main as cli
from bordstein_gateway.config.office import Desk
from bordstein_gateway.store import Store, audit
from bordstein_gateway.store.accounts import LAST, Accounts
from bordstein_gateway.web.accounts import passwords
from bordstein_gateway.web.accounts.limits import Limits
from bordstein_gateway.web.accounts.sessions import Sessions
from bordstein_gateway.web.pages.login import inside
from tests.gateway.staff import PASSWORD, Staff, account, enter, token

NEW = "Vier Dohlen auf dem Dach"


@pytest.fixture
def staff(store: Store) -> Staff:
    return Staff(store, desk={"depot": Desk(title="Bauhof", title_en="Depot")})


def audited(store: Store, subject: str) -> list[tuple[str, str]]:
    with store.database.reading() as connection:
        return [(row.actor, row.action) for row in audit.newest(connection, 50, subject=subject)]


# Passwords


def test_a_password_fits_only_itself() -> None:
    hash = passwords.hashed(NEW)
    assert hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$") and NEW not in hash
    assert passwords.fits(NEW, hash) and not passwords.fits(NEW + " ", hash)
    assert not passwords.fits("", "") and not passwords.fits(NEW, "") and not passwords.fits(NEW, "$argon2id$broken")


@pytest.mark.parametrize(
    "password",
    ["kurz", "x" * 2000, "KarlaKraft-ist-hier", "passwort1234", "aaaaaaaaaaaaaa", "Bauhof2026!!", "admin123456789"],
)
def test_easy_passwords_are_not_taken(password: str) -> None:
    assert passwords.problem(password, "kraft", "Karla Kraft") is not None


@given(st.integers())
@settings(max_examples=20)
def test_a_first_password_is_always_good_enough(_: int) -> None:
    first = passwords.first()
    assert passwords.problem(first, "kraft") is None and first != passwords.first()


# Guessing


def test_who_guesses_waits_longer_and_longer_but_never_for_good() -> None:
    now = [1000.0]
    limits = Limits(lambda: now[0])
    waits = []
    for _ in range(40):
        waits.append(wait := limits.wait("kraft", "192.0.2.1"))
        now[0] += wait
        limits.failed("kraft", "192.0.2.1")
    assert waits[:5] == [0, 0, 0, 0, 0] and waits[5:9] == [1, 2, 4, 8] and max(waits) == 900
    now[0] += 901
    assert limits.wait("kraft", "192.0.2.1") <= 0


def test_the_owner_of_a_guessed_account_waits_half_a_minute_at_most() -> None:
    now = [1000.0]
    limits = Limits(lambda: now[0])
    for number in range(5000):
        limits.failed("kraft", f"192.0.2.{number % 250}")
    assert 0 < limits.wait("kraft", "198.51.100.7") <= 30


def test_an_owner_who_was_there_before_does_not_wait_for_others_who_guess() -> None:
    now = [1000.0]
    limits = Limits(lambda: now[0])
    limits.failed("kraft", "198.51.100.7")
    limits.passed("kraft", "198.51.100.7")
    for number in range(5000):
        limits.failed("kraft", f"192.0.2.{number % 250}")
    assert limits.wait("kraft", "198.51.100.7") <= 0


def test_right_passwords_never_make_anybody_wait() -> None:
    now = [1000.0]
    limits = Limits(lambda: now[0])
    for number in range(5000):
        name = f"name{number % 7}"
        assert limits.wait(name, "192.0.2.1") <= 0
        limits.failed(name, "192.0.2.1")
        limits.passed(name, "192.0.2.1")


def test_an_address_that_tries_many_names_waits() -> None:
    now = [1000.0]
    limits = Limits(lambda: now[0])
    for number in range(120):
        limits.failed(f"name{number}", "192.0.2.1")
    assert 0 < limits.wait("another", "192.0.2.1") <= 60
    limits.failed("another", "192.0.2.1")
    limits.passed("another", "192.0.2.1")
    assert limits.wait("another", "192.0.2.1") > 0


def test_what_guessing_leaves_in_memory_is_bounded_and_forgotten() -> None:
    now = [1000.0]
    limits = Limits(lambda: now[0])
    for number in range(20_000):
        limits.failed(f"name{number}", f"address{number}")
    assert len(limits._failures) <= 10_000
    for _ in range(8):
        limits.failed("kraft", "192.0.2.1")
    now[0] += 3601
    limits.failed("kraft", "192.0.2.1")
    assert limits.wait("kraft", "192.0.2.1") <= 0


def test_the_login_says_the_same_whatever_was_wrong_and_slows_down(staff: Staff) -> None:
    enter(staff.store, account("gone", "reader", disabled=True), account("oidc", "reader", password="", subject="i s"))
    visitor = staff.visitor()
    form = token(visitor.get("/app/login").text)
    pages = set()
    for name, password in (("reader", "falsch"), ("nobody", PASSWORD), ("gone", PASSWORD), ("oidc", ""), ("oidc", "x")):
        answer = visitor.post("/app/login", {"name": name, "password": password}, csrf=form)
        assert answer.status_code == 401 and not re.search("bordstein=", answer.headers.get("set-cookie", ""))
        pages.add(answer.text.replace(f'value="{name}"', ""))
    assert len(pages) == 1
    for _ in range(4):
        visitor.post("/app/login", {"name": "reader", "password": "falsch"}, csrf=form)
    answer = visitor.post("/app/login", {"name": "READER ", "password": PASSWORD}, csrf=form)
    assert answer.status_code == 429 and int(answer.headers["retry-after"]) >= 1


# Sessions


def test_the_store_has_no_token(staff: Staff) -> None:
    client = staff.client("reader")
    (value,) = [cookie.value for cookie in client.http.cookies.jar if cookie.name == "bordstein"]
    (login,) = Accounts(staff.store).logins("reader")
    assert value and value not in str(login) and len(value) >= 43


def test_a_login_gets_a_new_token_and_the_old_one_ends(staff: Staff) -> None:
    client = staff.client("reader")
    before = client.http.cookies["bordstein"]
    page = client.get("/app/login")
    assert page.status_code == 303  # who is in need not log in
    other = staff.client("reader")
    assert other.http.cookies["bordstein"] != before
    forged = staff.visitor()
    forged.http.cookies.set("bordstein", "chosen-by-somebody-else")
    assert forged.log_in("reader").status_code == 303
    assert "chosen-by-somebody-else" not in [cookie.value for cookie in forged.http.cookies.jar if cookie.domain]


def test_an_unused_login_ends_and_a_used_one_too_at_last(staff: Staff) -> None:
    from starlette.requests import Request

    client = staff.client("reader")
    cookie = f"bordstein={client.http.cookies['bordstein']}".encode()
    request = Request({"type": "http", "headers": [(b"cookie", cookie)]})
    now = [time.time()]
    sessions = Sessions(staff.config, staff.store, lambda: now[0])

    def inside_now() -> bool:
        import asyncio

        return asyncio.run(sessions.user(request)) is not None

    hours = 0
    while inside_now():
        now[0] += 11 * 3600
        hours += 11
    assert 7 * 24 <= hours <= 7 * 24 + 11
    client = staff.client("reader")
    cookie = f"bordstein={client.http.cookies['bordstein']}".encode()
    request = Request({"type": "http", "headers": [(b"cookie", cookie)]})
    now[0] = time.time()
    assert inside_now()
    now[0] += 12 * 3600 + 1
    assert not inside_now()


def test_logging_out_here_and_everywhere(staff: Staff) -> None:
    here, there, third = (staff.client("worker") for _ in range(3))
    assert here.post("/app/logout").headers["location"] == "/app/login"
    assert here.get("/app/account").status_code == 303 and there.get("/app/account").status_code == 200
    there.post("/app/account/logins")
    assert there.get("/app/account").status_code == 303 and third.get("/app/account").status_code == 303


def test_a_disabled_account_and_a_smaller_role_count_at_once(staff: Staff) -> None:
    worker, administrator = staff.client("worker"), staff.client("administrator")
    assert administrator.post("/app/accounts/worker/disable").status_code == 303
    assert worker.get("/app/account").status_code == 303
    assert staff.visitor().log_in("worker").status_code == 401
    administrator.post("/app/accounts/worker/enable")
    assert staff.visitor().log_in("worker").status_code == 303
    enter(staff.store, account("second", "administrator"))
    second = staff.client("second")
    assert second.get("/app/accounts").status_code == 200
    administrator.post("/app/accounts/second", {"role": "reader"})
    assert second.get("/app/accounts").status_code == 403


def test_a_login_leads_back_to_the_page_that_was_wanted_and_nowhere_else(staff: Staff) -> None:
    visitor = staff.visitor()
    there = visitor.get("/app/accounts?x=1").headers["location"]
    assert there == "/app/login?to=%2Fapp%2Faccounts%3Fx%3D1"
    page = visitor.get(there).text
    data = {"name": "administrator", "password": PASSWORD, "to": "/app/accounts?x=1"}
    assert visitor.post("/app/login", data, csrf=token(page)).headers["location"] == "/app/accounts?x=1"
    for away in (
        "https://evil.example/",
        "//evil.example",
        "/app//evil",
        "/app/\\evil",
        "/app/\nx",
        "/",
        "/app/logout",
    ):
        assert inside(away) == "/app/"


# First passwords, and changing them


def test_a_first_password_has_to_be_changed_before_anything_else(staff: Staff) -> None:
    administrator = staff.client("administrator")
    made = administrator.post(
        "/app/accounts", {"name": "Neumann", "full_name": "Nina Neumann", "role": "worker", "desks": "depot"}
    )
    found = re.search(r"<code>([a-z0-9-]{23})</code>", made.text)
    assert made.status_code == 200 and found
    visitor = staff.visitor()
    answer = visitor.log_in("neumann", found[1])
    assert answer.status_code == 303 and answer.headers["location"] == "/app/account"
    assert visitor.get("/app/").headers["location"] == "/app/account"
    wrong = [
        {"old": found[1], "new": "kurz", "again": "kurz"},
        {"old": found[1], "new": NEW, "again": NEW + "!"},
        {"old": found[1], "new": found[1], "again": found[1]},
        {"old": "falsch", "new": NEW, "again": NEW},
    ]
    for data in wrong:
        assert visitor.post("/app/account/password", data).status_code == 400
    other = staff.visitor()
    other.log_in("neumann", found[1])
    assert visitor.post("/app/account/password", {"old": found[1], "new": NEW, "again": NEW}).status_code == 303
    assert "Das Passwort ist geändert" in visitor.get("/app/account").text
    assert other.get("/app/account").headers["location"].startswith("/app/login")
    assert staff.visitor().log_in("neumann", found[1]).status_code == 401
    assert staff.visitor().log_in("neumann", NEW).headers["location"] == "/app/"
    assert audited(staff.store, "account neumann") == [("neumann", "password set"), ("administrator", "account added")]


def test_mistakes_in_a_new_account_are_named_at_their_field(staff: Staff) -> None:
    administrator = staff.client("administrator")
    data = {"name": "x y", "role": "king", "desks": "nowhere", "mail": "a@b@c"}
    page = administrator.post("/app/accounts?lang=en", data)
    assert page.status_code == 400
    for words in (
        "Lower-case letters",
        "One of these roles",
        "gateway.toml has no such desks: nowhere",
        "A mail address",
    ):
        assert words in page.text
    taken = administrator.post("/app/accounts?lang=en", {"name": "reader", "role": "worker"})
    assert taken.status_code == 400 and "There is an account of this name already." in taken.text


def test_the_last_administrator_stays(staff: Staff) -> None:
    administrator = staff.client("administrator")
    for path, data in (
        ("/app/accounts/administrator/disable", {}),
        ("/app/accounts/administrator", {"role": "reader"}),
    ):
        assert administrator.post(path, data).status_code == 303
        assert "letzte Konto" in administrator.get("/app/accounts/administrator").text
    assert Accounts(staff.store).change("administrator", "x", role="reader").result(20) == LAST


def test_what_an_account_says_is_text(staff: Staff) -> None:
    administrator = staff.client("administrator")
    administrator.post("/app/accounts", {"name": "neu", "full_name": "<script>alert(1)</script>", "role": "reader"})
    page = administrator.get("/app/accounts/neu").text
    assert "<script>alert" not in page and "&lt;script&gt;" in page


# The command


@pytest.fixture
def command(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (folder / "gateway.toml").write_text(
        '[mqtt]\nhost = "localhost"\nca = "ca.pem"\ncert = "gateway.pem"\nkey = "gateway.key"\n'
        f'[gateway]\ndata = "{folder}"\n[desk.depot]\ntitle = "Bauhof"\n'
    )
    monkeypatch.setenv("BORDSTEIN_CONFIG", str(folder / "gateway.toml"))
    Store.open(folder / "bordstein.sqlite").close()
    return folder


def test_user_add_list_role_disable_and_password(command: Path) -> None:
    run = CliRunner()
    made = run.invoke(cli.app, ["user", "add", "Kraft", "--role", "worker", "--desk", "depot", "--mail", "k@x.de"])
    assert made.exit_code == 0, made.output
    first = made.output.strip().rpartition(" ")[2]
    assert passwords.problem(first) is None
    with_own = run.invoke(cli.app, ["user", "add", "neu", "--role", "reader"], input=f"{NEW}\n")
    assert with_own.exit_code == 0 and NEW not in with_own.output
    assert run.invoke(cli.app, ["user", "role", "kraft", "dispatcher"]).exit_code == 0
    assert run.invoke(cli.app, ["user", "disable", "neu"]).exit_code == 0
    listed = run.invoke(cli.app, ["user", "list", "--json"]).output
    assert '"role": "dispatcher"' in listed and '"disabled": true' in listed and "argon2" not in listed
    assert run.invoke(cli.app, ["user", "enable", "neu"]).exit_code == 0
    again = run.invoke(cli.app, ["user", "password", "kraft"], input="\n")
    assert again.exit_code == 0
    store = Store.open(command / "bordstein.sqlite")
    kept = Accounts(store).get("kraft")
    assert kept and kept.must_change and passwords.fits(again.output.strip().rpartition(" ")[2], kept.password)
    assert ("command line", "account added") in audited(store, "account kraft")
    store.close()


@pytest.mark.parametrize(
    ("arguments", "given", "code"),
    [
        (["add", "kraft", "--role", "king"], "", 2),
        (["add", "k ft", "--role", "reader"], "", 2),
        (["add", "kraft", "--role", "reader", "--desk", "nowhere"], "", 2),
        (["add", "kraft"], "", 2),
        (["add", "kraft", "--role", "reader"], "kurz\n", 1),
        (["password", "nobody"], "", 1),
        (["role", "nobody", "reader"], "", 1),
        (["role", "nobody", "king"], "", 2),
        (["disable", "nobody"], "", 1),
    ],
)
def test_user_says_what_is_wrong(command: Path, arguments: list[str], given: str, code: int) -> None:
    from bordstein_gateway.cli.common import Failed

    result = CliRunner().invoke(cli.app, ["user", *arguments], input=given)
    assert result.exit_code == code
    assert code == 2 or isinstance(result.exception, Failed)
