"""`bordstein ca list` and `ca renew`: which certificates end when, and new ones for the boards that have them."""

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..keys import validity
from ..texts import Problem, pick
from .ca import DEFAULT_CA, NAME, CaFolder, Days, Json, OutFolder, PassphraseFile, app, opened
from .commands import FLAG, verb
from .output import FAILED, answer, complain, failed, misuse

if TYPE_CHECKING:
    from ..keys import issued, renewal

__all__ = ["app"]

EndsWithin = Annotated[
    int | None,
    typer.Option(
        "--ends-within",
        min=0,
        max=36500,
        metavar=pick("TAGE", "DAYS"),
        help=pick("Nur, was in so vielen Tagen abläuft.", "Only what ends within so many days."),
    ),
]
_STATES = {
    "valid": ("gültig bis", "valid until"),
    "expired": ("ABGELAUFEN am", "EXPIRED on"),
    "replaced": ("ersetzt, bis", "replaced, until"),
    "revoked": ("gesperrt, bis", "revoked, until"),
}


@verb(app, "Zeigen, was ausgestellt wurde und wann es abläuft.", "Show what was issued and when it ends.", "list")
def list_issued(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar=NAME,
            help=pick(
                "Nur diese: MAC eines Geräts, Name, Seriennummer.", "Only these: a device's MAC, a name, a serial."
            ),
            show_default=False,
        ),
    ] = None,
    ca: CaFolder = DEFAULT_CA,
    ends_within: EndsWithin = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--all",
            metavar=FLAG,
            help=pick("Auch, was ersetzt oder gesperrt ist.", "Also what is replaced or revoked."),
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    from ..keys import issued, pki  # takes its time to load, here and below

    try:
        authority = pki.certificate(ca)
        entries = issued.listed(ca)
        for name in names or ():
            if not any(_is_meant(name, one) for one in entries):
                raise issued.nothing_of(name, ca)
    except Problem as problem:
        failed(problem, as_json)
    if names:
        entries = [one for one in entries if any(_is_meant(name, one) for name in names)]
    now = dt.datetime.now(dt.UTC)
    last = None if ends_within is None else now + dt.timedelta(days=ends_within)
    shown = [one for one in entries if (everything or one.current) and (last is None or one.end <= last)]
    shown.sort(key=lambda one: one.end)
    end = authority.not_valid_after_utc
    states = {one.serial: _state(one, now) for one in shown}
    lines = [("ca", pick("die Zertifizierungsstelle selbst", "the authority itself"), "", end, _over(end, now))]
    if names or not (last is None or end <= last):
        lines = []
    lines += [(one.kind, one.name, one.serial, one.end, states[one.serial]) for one in shown]
    text = "\n".join(_line(*line) for line in lines)
    answer(
        as_json,
        {
            "not_after": end.isoformat(timespec="seconds"),
            "certificates": [{**_facts(one), "state": states[one.serial]} for one in shown],
        },
        text or "Nichts davon läuft so bald ab.",
        text or "None of it ends so soon.",
    )


@verb(
    app,
    "Neue Zertifikate für Geräte, die ihren Schlüssel behalten. Das Gateway bringt sie hin.",
    "New certificates for devices, which keep their keys. The gateway takes them there.",
)
def renew(
    devices: Annotated[
        list[str] | None,
        typer.Argument(
            metavar=pick("GERÄT", "DEVICE"),
            help=pick("MAC oder Seriennummer; sonst alle Geräte.", "MAC or serial number; else all devices."),
            show_default=False,
        ),
    ] = None,
    ca: CaFolder = DEFAULT_CA,
    ends_within: EndsWithin = None,
    out: OutFolder = None,
    passphrase_file: PassphraseFile = None,
    days: Days = validity.CLIENT_DAYS,
    as_json: Json = False,
) -> None:
    if not devices and ends_within is None:
        misuse(
            "Welche? Geräte nennen, oder --ends-within TAGE angeben.",
            "which ones? Name devices, or give --ends-within DAYS.",
        )
    from ..keys import pki, renewal

    made: list[renewal.Renewed] = []
    left: list[Problem] = []
    try:
        pki.certificate(ca)  # where there is no authority, nothing would end soon
        entries = renewal.due(ca, devices or (), ends_within)
        if entries:
            made, left = renewal.renew(opened(ca, passphrase_file), entries, out, days)
    except Problem as problem:
        failed(problem, as_json)
    facts: dict[str, Any] = {"renewed": [_renewed(one) for one in made]}
    if left:
        facts["error"] = "; ".join(map(str, left))
    if made or as_json or not left:
        folder = made[0].certificate.parent if made else ca
        many = f"{len(made)} Zertifikate liegen" if len(made) > 1 else "Ein Zertifikat liegt"
        lie = f"{len(made)} certificates are" if len(made) > 1 else "one certificate is"
        answer(
            as_json,
            facts,
            f"{many} in {folder}. Auf dem Gateway bringt sie zu den Geräten: bordstein-gateway board certificate "
            f"--folder {folder.name}"
            if made
            else "Kein Zertifikat eines Geräts läuft so bald ab.",
            f"{lie} in {folder}. On the gateway this takes them to the boards: bordstein-gateway board certificate "
            f"--folder {folder.name}"
            if made
            else "no device's certificate ends so soon.",
        )
    for sentence in () if as_json else left:
        complain(sentence)
    if left:
        raise typer.Exit(FAILED)


def _is_meant(name: str, entry: "issued.Entry") -> bool:
    from ..keys import issued

    return issued.is_meant(name, entry.serial, entry.kind, entry.name)


def _state(entry: "issued.Entry", now: dt.datetime) -> str:
    if entry.revoked:
        return "revoked"
    return _over(entry.end, now) if entry.current else "replaced"


def _over(end: dt.datetime, now: dt.datetime) -> str:
    return "expired" if end <= now else "valid"


def _line(kind: str, name: str, serial: str, end: dt.datetime, state: str) -> str:
    de, en = _STATES[state]
    return pick(f"{kind:8}{name}  {de} {end:%d.%m.%Y}", f"{kind:8}{name}  {en} {end:%Y-%m-%d}") + f"  {serial}".rstrip()


def _facts(entry: "issued.Entry") -> dict[str, Any]:
    return {
        "kind": entry.kind,
        "name": entry.name,
        "serial": entry.serial,
        "not_after": entry.end.isoformat(timespec="seconds"),
    }


def _renewed(one: "renewal.Renewed") -> dict[str, Any]:
    return {
        "name": one.name,
        "serial": one.serial,
        "before": one.before,
        "not_after": one.not_after.isoformat(timespec="seconds"),
        "certificate": str(one.certificate),
    }
