"""`bordstein setup`: one command from a blank board on a cable to «mounted and reporting»."""

import contextlib
import functools
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .. import boards
from ..board import images
from ..config import composing, town
from ..keys.keyfiles import check_target, read, text
from ..texts import Problem, pick
from .ca import DEFAULT_CA, FILE, CaFolder, Json, PassphraseFile, opened
from .commands import verb
from .config import parsed
from .options import (
    BOARD,
    CONFIG,
    PUBLIC,
    REGISTER,
    WAIT_S,
    Config,
    GatewayUrl,
    Image,
    Lists,
    Port,
    Public,
    Register,
    Release,
    TokenFile,
    Wait,
    Yes,
)
from .output import FAILED, answer, bar, failed, misuse

if TYPE_CHECKING:
    from ..keys import pki


def add_to(app: typer.Typer) -> None:
    """Make it a verb of the command line."""
    verb(app, "Ein Gerät am Kabel fertig zur Montage machen.", "Make a board on a cable ready to mount.", "setup")(
        setup
    )


def setup(
    port: Port = None,
    site: Annotated[
        str | None,
        typer.Option(metavar=pick("GEBIET", "SITE"), help=pick("Einsatzgebiet.", "The site that it belongs to.")),
    ] = None,
    asset: Annotated[
        str | None, typer.Option(metavar=pick("NUMMER", "NUMBER"), help=pick("Inventarnummer.", "Asset number."))
    ] = None,
    place: Annotated[
        str | None, typer.Option(metavar=pick("ORT", "PLACE"), help=pick("Wo es hängen wird.", "Where it will hang."))
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(
            metavar=pick("NETZ", "NETWORK"),
            help=pick(
                f"Ein Netz aus {town.FILE}, „ethernet“, oder der Name eines WLANs.",
                f'A network of {town.FILE}, "ethernet", or the name of a Wi-Fi network.',
            ),
        ),
    ] = None,
    password_file: Annotated[
        Path | None,
        typer.Option(
            metavar=FILE,
            help=pick("Datei mit dem Passwort dieses WLANs.", "File with the password of that Wi-Fi network."),
        ),
    ] = None,
    sensors: Annotated[
        str | None,
        typer.Option(
            metavar=pick("SENSOREN", "SENSORS"),
            help=pick(
                f"Ein Bausatz aus {town.FILE}, oder Treiber wie bme280,ds18b20.",
                f"A kit of {town.FILE}, or drivers such as bme280,ds18b20.",
            ),
        ),
    ] = None,
    lists: Lists = None,
    config: Config = None,
    board: Annotated[
        str | None,
        typer.Option(
            metavar=BOARD,
            help=pick("Welches Gerät es ist; sonst das konfigurierte.", "Which board it is; else as configured."),
        ),
    ] = None,
    image: Image = None,
    release: Release = None,
    public: Public = None,
    ca: CaFolder = DEFAULT_CA,
    passphrase_file: PassphraseFile = None,
    register: Register = REGISTER,
    gateway: GatewayUrl = None,
    token_file: TokenFile = None,
    label: Annotated[
        Path | None,
        typer.Option(metavar=FILE, help=pick("Etikett als .pdf oder .svg.", "Label as .pdf or .svg.")),
    ] = None,
    wait: Wait = WAIT_S,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    from ..board import ports
    from ..checks import report as selftest_report
    from ..keys import pki, revocation
    from ..setup import questions, registering, setting_up
    from ..setup.label import SUFFIXES

    if board is not None and board not in boards.known():
        known = ", ".join(boards.known())
        misuse(f"Ein Gerät {board} gibt es nicht; bekannt sind {known}.", f"No board {board}; known are {known}.")
    if label is not None and label.suffix.lower() not in SUFFIXES:
        misuse(f"{label}: bitte .svg oder .pdf.", f"{label}: use .svg or .pdf.")
    try:
        # What is known to fail is said before anything is asked or changed.
        registering.known(register)
        common, base = town_and_base(lists, config)
        keys, wanted_software = software_and_keys(release, public)
        given = {"site": site, "asset": asset, "place": place, "network": network, "sensors": sensors}
        if password_file:
            given["password"] = _password(password_file)
        url, token = gateway_and_token(gateway, token_file, common)
        if image:
            images.read(image)
        authority = Authority(ca, passphrase_file)
        if ca != DEFAULT_CA:
            pki.certificate(ca)
        if passphrase_file is not None:
            authority()
        if label is not None:
            check_target(label)
        device_port = ports.choose(port)
        ask = sys.stdin.isatty() and not yes and not as_json

        def compose(chip: str) -> setting_up.Wanted:
            answers = (questions.ask if ask else questions.defaults)(given, common, base, register)
            made = composing.compose(answers, common, base, chip, board, composing.brokers(ca))
            return setting_up.Wanted(
                config=made,
                asset=answers.asset,
                site=answers.site,
                software=wanted_software,
                keys=keys,
                authority=authority,
                image=image,
                owner=common.owner,
                register=register,
                gateway=url,
                token_file=token,
                label=label,
                wait_s=wait,
                counts=functools.partial(revocation.counts, ca),
            )

        verdict = setting_up.prepare(device_port, compose, _Told(as_json), board or (base or {}).get("board"))
    except Problem as problem:
        failed(problem, as_json)
    results = [result._asdict() for result in verdict.results]
    facts = {"port": verdict.port, "ready": verdict.ready, "results": results, **verdict.facts}
    if not as_json:
        selftest_report.listed(verdict.results)
    text = setting_up.sentence(verdict)
    answer(as_json, {**facts, "registered": verdict.registered._asdict()}, text, text)
    if not verdict.ready:
        raise typer.Exit(FAILED)


def town_and_base(lists: Path | None, config: Path | None) -> tuple[town.Town, Mapping[str, Any] | None]:
    """What the town's boards have in common, and a configuration that is there already, checked. Problem."""
    common = town.read(lists or town.FILE) if lists or town.FILE.exists() else town.Town()
    return common, _base(config, lists)


def _base(config: Path | None, lists: Path | None) -> Mapping[str, Any] | None:
    if config is None and (lists or town.FILE.exists() or not CONFIG.exists()):
        return None
    from ..config import configuring  # takes its time to load

    file = config or CONFIG
    made = parsed(file, read(file, "Die Konfiguration", "the configuration"))
    configuring.check(made)
    base: Mapping[str, Any] = made
    return base


def gateway_and_token(
    gateway: str | None, token_file: Path | None, common: town.Town
) -> tuple[str | None, Path | None]:
    """Where boards are registered, if anywhere: what was given goes before what the town's file says. Problem."""
    from ..setup import registering

    url, token = gateway or common.gateway.get("url"), token_file or common.token_file
    if url:
        registering.check(url, token)
    return url, token


def _password(file: Path) -> str:
    """Its first line, spaces too. Problem."""
    whole = text(file, "Die Datei mit dem Passwort", "the file with the password")
    password = whole.partition("\n")[0].rstrip("\r")
    if not password.strip():
        raise Problem(f"In {file} steht kein Passwort.", f"there is no password in {file}.")
    return password


def software_and_keys(release: Path | None, public: Path | None) -> tuple[bytes | None, Any]:
    """(lines for release.pub, what goes onto boards). Problem."""
    from ..board import software

    keys_from = public or (PUBLIC if PUBLIC.is_file() else None)
    keys = read(keys_from, "Der öffentliche Schlüssel", "the public key") if keys_from else None
    if release is None:
        return keys, software.own()
    if keys is None:
        raise Problem(
            f"Um {release} zu prüfen, fehlt release.pub; bitte --public angeben.",
            f"release.pub is missing to check {release} with; give --public.",
        )
    return keys, software.release(release, keys)


class Authority:
    """Opened, and its passphrase asked for, once, when something is first to be signed."""

    def __init__(self, folder: Path, passphrase_file: Path | None) -> None:
        self._folder, self._passphrase_file = folder, passphrase_file
        self._opened: pki.Authority | None = None
        self._lock = threading.Lock()

    def __call__(self) -> "pki.Authority":
        with self._lock:
            if self._opened is None:
                self._opened = opened(self._folder, self._passphrase_file)
                self._opened.refuse_expired()
            return self._opened


class _Told:
    """Steps and bars for one board in a terminal."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json

    def step(self, de: str, en: str) -> None:
        if not self._as_json:
            typer.echo(pick(de, en) + " …", err=True)

    def bar(self, de: str, en: str) -> Callable[[], contextlib.AbstractContextManager[Callable[[int, int], None]]]:
        @contextlib.contextmanager
        def opened_bar() -> Iterator[Callable[[int, int], None]]:
            with bar(self._as_json, de, en) as progress:
                yield lambda done, total: progress("", done, total)

        return opened_bar
