"""`bordstein-gateway user add|list|password|role|disable|enable`: accounts of the staff's pages."""

import sys
from typing import Annotated, Any

import typer

from ..config import config
from ..store.accounts import CHANGED, SAME, Account, Accounts
from ..store.audit import COMMAND_LINE
from ..texts import Sentence, pick, said
from ..web.accounts import accounts, passwords
from ..web.pages.rights import ROLE_NAMES, ROLES
from .common import DEFAULT_CONFIG, WAIT_S, ConfigOption, Failed, JsonOption, iso, misuse, open_store, output, show

app = typer.Typer(
    help=pick(
        "Wer sich auf den Seiten anmelden darf. Mit welcher Rolle und für welche Stellen.",
        "Who may log in to the pages at /app/, and with which role.",
    ),
    no_args_is_help=True,
)
_NameArgument = Annotated[str, typer.Argument(metavar="NAME", help=pick("Wie bei der Anmeldung.", "As in the login."))]
_RoleOption = Annotated[
    str,
    typer.Option(
        "--role",
        metavar=pick("ROLLE", "ROLE"),
        help=pick(
            "reader (lesen), worker (bearbeiten), dispatcher (disponieren) oder administrator (verwalten).",
            "reader, worker, dispatcher or administrator.",
        ),
    ),
]
_DesksOption = Annotated[
    list[str] | None,
    typer.Option(
        "--desk",
        metavar=pick("STELLE", "DESK"),
        help=pick(
            "Eine Stelle aus gateway.toml, [desk.STELLE]. Auch mehrmals.",
            "A desk of gateway.toml, [desk.DESK]. Also repeated.",
        ),
    ),
]


@app.command(
    help=pick(
        "Ein Konto anlegen. Fragt nach dem ersten Passwort oder nennt ein zufälliges; bei der ersten Anmeldung ist es "
        "zu ändern. Ohne Terminal liest es eine Zeile der Standardeingabe.",
        "Make an account. Asks for the first password or prints a random one; it has to be changed at the first login. "
        "Without a terminal it reads a line of the standard input.",
    )
)
def add(
    name: _NameArgument,
    role: _RoleOption,
    desk: _DesksOption = None,
    mail: Annotated[
        str,
        typer.Option(metavar=pick("ADRESSE", "ADDRESS"), help=pick("Die E-Mail-Adresse.", "The mail address.")),
    ] = "",
    full_name: Annotated[
        str,
        typer.Option(
            metavar=pick("NAME", "NAME"), help=pick("Wie die Seiten sie oder ihn nennen.", "As the pages say it.")
        ),
    ] = "",
    path: ConfigOption = DEFAULT_CONFIG,
) -> None:
    settings = config.load(path)
    account, wrong = accounts.new(settings, name, role, full_name=full_name, desks=desk or (), mail=mail)
    for field, sentence in wrong.items():
        _wrong(field, sentence)
    with open_store(settings) as store:
        if Accounts(store).get(account.name) is not None:
            raise Failed(said(accounts.TAKEN))
        password, random = _password(account)
        account = account._replace(password=passwords.hashed(password))
        if not Accounts(store).add(account, COMMAND_LINE).result(WAIT_S):
            raise Failed(said(accounts.TAKEN))
    output(pick(f"{account.name} ist angelegt, Rolle {role}", f"{account.name} is there, role {role}"))
    _tell(password, random)


@app.command("list", help=pick("Die Konten.", "The accounts."))
def user_list(path: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    settings = config.load(path)
    with open_store(settings) as store:
        rows: list[dict[str, Any]] = [
            {
                "login": one.name,
                "full_name": one.full_name,
                "role": one.role,
                "desks": ",".join(one.desks),
                "mail": one.mail,
                "last_login": iso(one.last_login / 1000) if one.last_login else "",
                "disabled": pick("gesperrt", "disabled") if one.disabled and not as_json else one.disabled or "",
            }
            for one in Accounts(store).all()
        ]
    show(rows, as_json, pick("kein Konto", "no account"))


@app.command(
    help=pick(
        "Ein neues erstes Passwort geben. Alle Anmeldungen des Kontos enden.",
        "Give a new first password. All logins of the account end.",
    )
)
def password(name: _NameArgument, path: ConfigOption = DEFAULT_CONFIG) -> None:
    settings = config.load(path)
    with open_store(settings) as store:
        account = Accounts(store).get(name.lower())
        if account is None:
            raise Failed(said(accounts.REFUSED["missing"]))
        if account.subject:
            raise Failed(
                pick(
                    f"{account.name} meldet sich über OpenID Connect an und hat hier kein Passwort.",
                    f"{account.name} logs in by OpenID Connect and has no password here.",
                )
            )
        new, random = _password(account)
        Accounts(store).set_password(account.name, passwords.hashed(new), actor=COMMAND_LINE).result(WAIT_S)
    output(pick(f"{account.name} hat ein neues Passwort", f"{account.name} has a new password"))
    _tell(new, random)


@app.command(help=pick("Einem Konto eine andere Rolle geben.", "Give an account another role."))
def role(
    name: _NameArgument,
    role: Annotated[
        str,
        typer.Argument(metavar=pick("ROLLE", "ROLE"), help=pick("Eine von: ", "One of: ") + ", ".join(ROLES) + "."),
    ],
    path: ConfigOption = DEFAULT_CONFIG,
) -> None:
    if role not in ROLES:
        names = ", ".join(ROLES)
        misuse(f"eine von: {names}", f"one of: {names}", pick("ROLLE", "ROLE"))
    _change(path, name, role=role)
    title = said(ROLE_NAMES[role])
    output(pick(f"{name}: Rolle {title}", f"{name}: role {title}"))


@app.command(
    help=pick(
        "Ein Konto sperren. Es ist sofort abgemeldet; was es tat, bleibt im Protokoll.",
        "Disable an account. It is out at once; what it did stays in the audit log.",
    )
)
def disable(name: _NameArgument, path: ConfigOption = DEFAULT_CONFIG) -> None:
    _change(path, name, disabled=True)
    output(pick(f"{name} ist gesperrt", f"{name} is disabled"))


@app.command(help=pick("Ein gesperrtes Konto wieder zulassen.", "Let a disabled account in again."))
def enable(name: _NameArgument, path: ConfigOption = DEFAULT_CONFIG) -> None:
    _change(path, name, disabled=False)
    output(pick(f"{name} darf wieder hinein", f"{name} may log in again"))


def _change(path: Any, name: str, **values: Any) -> None:
    with open_store(config.load(path)) as store:
        outcome = Accounts(store).change(name.lower(), COMMAND_LINE, **values).result(WAIT_S)
    if outcome not in (CHANGED, SAME):
        raise Failed(said(accounts.REFUSED[outcome]))


def _wrong(field: str, sentence: Sentence) -> None:
    where = {"name": "NAME", "desks": "--desk", "full_name": "--full-name"}.get(field, f"--{field}")
    misuse(sentence.de, str(sentence), where)


def _password(account: Account) -> tuple[str, bool]:
    """A first password, and whether it is a random one that has to be told."""
    if sys.stdin.isatty():
        given = str(
            typer.prompt(
                pick("Erstes Passwort (leer: ein zufälliges)", "First password (empty: a random one)"),
                hide_input=True,
                default="",
                show_default=False,
            )
        )
    else:
        given = sys.stdin.readline().rstrip("\r\n")
    if not given:
        return passwords.first(), True
    if problem := passwords.problem(given, account.name, account.full_name):
        raise Failed(said(problem))
    return given, False


def _tell(password: str, random: bool) -> None:
    if random:
        output(
            pick(
                f"Erstes Passwort, bei der Anmeldung zu ändern: {password}",
                f"First password, to be changed at the login: {password}",
            )
        )
