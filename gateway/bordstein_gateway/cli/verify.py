"""`bordstein-gateway forward verify`: what a target holds of a time span, read back and compared with the store."""

import time
from typing import Annotated, Any

import typer

from ..config import config
from ..store import Store
from ..texts import pick, said
from .common import (
    DEFAULT_CONFIG,
    WAIT_S,
    ConfigOption,
    Failed,
    JsonOption,
    iso,
    misuse,
    moment,
    open_store,
    output,
    show,
)
from .targets import Target, known

_DAY_MS = 86_400_000
_TIME = pick("ZEIT", "TIME")


def forward_verify(
    name: Target,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar=_TIME,
            help=pick(
                "Erster Zeitpunkt der Messung, ISO 8601; ohne: vor einem Tag.",
                "First moment of measurement, ISO 8601; without: a day ago.",
            ),
        ),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar=_TIME,
            help=pick(
                "Erster Zeitpunkt, der nicht mehr zählt; ohne: jetzt.",
                "First moment that counts no more; without: now.",
            ),
        ),
    ] = None,
    refill: Annotated[
        bool,
        typer.Option(
            "--refill",
            help=pick("Was fehlt, noch einmal senden lassen.", "Have what is missing sent once more."),
        ),
    ] = False,
    path: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Fails where something is missing, different or doubled."""
    from ..forward.verify import Account

    last = round(time.time() * 1000) if end is None else moment(end, "--to")
    first = last - _DAY_MS if start is None else moment(start, "--from")
    if first >= last:
        misuse("--from muss vor --to liegen", "--from has to be before --to", "--from")
    settings = config.load(path)
    with open_store(settings) as store:
        accounts = _accounts(settings, store, name, first, last)
        wrong = [account for account in accounts if not account.right]
        rows = [_row(account) for account in (accounts if as_json else wrong)]
        if rows:
            show(rows, as_json, "")
        summary = Account("", "", "")
        for account in accounts:
            for of in ("stored", "there", "missing", "different", "doubled", "waiting", "refused"):
                setattr(summary, of, getattr(summary, of) + getattr(account, of))
        sentence = _sentence(name, summary, len(accounts))
        if wrong and refill and summary.missing:
            begin = min(account.first_missing for account in wrong if account.first_missing is not None)
            until = max(account.last_missing for account in wrong if account.last_missing is not None)
            order = store.refill_add(name, begin, until + 1).result(WAIT_S)
            sentence += pick(
                f"; Nachsendung {order} ist bestellt: {iso(begin / 1000)} bis {iso(until / 1000)}",
                f"; refill {order} is ordered: {iso(begin / 1000)} to {iso(until / 1000)}",
            )
        elif summary.missing:
            sentence += pick("; --refill lässt es nachsenden", "; --refill has it sent once more")
    if wrong:
        raise Failed(sentence)
    if not as_json:
        output(sentence)


def _accounts(settings: config.Config, store: Store, name: str, first: int, last: int) -> list[Any]:
    import asyncio

    from ..forward.starting import build
    from ..forward.target import Retry
    from ..forward.verify import Readable, verify

    options = settings.forward[known(settings, name)]

    async def run() -> list[Any]:
        target = build(name, options, settings, store)
        try:
            if not isinstance(target, Readable):
                raise Failed(
                    pick(
                        f"{name}: ein Ziel dieser Art lässt sich nicht fragen, was es hat",
                        f"{name}: a target of this kind can't be asked what it has",
                    )
                )
            return await verify(name, options, store, target, first, last)
        finally:
            await target.close()

    try:
        return asyncio.run(run())
    except Retry as failure:
        raise Failed(said(failure)) from None


def _row(account: Any) -> dict[str, Any]:
    return {
        "device": account.device,
        "series": account.series,
        "stored": account.stored,
        "there": account.there,
        "missing": account.missing,
        "different": account.different,
        "doubled": account.doubled,
        "waiting": account.waiting,
        "dead": account.refused,
        "first_missing": "" if account.first_missing is None else iso(account.first_missing / 1000),
    }


def _sentence(name: str, of: Any, series: int) -> str:
    of_series = f"{series} {'Reihe' if series == 1 else 'Reihen'}"
    de = f"{name}: {of.there} von {of.stored} Messwerten in {of_series} sind dort, wie sie gemessen wurden"
    en = f"{name}: {of.there} of {of.stored} readings in {series} series are there as they were measured"
    for count, german, english in (
        (of.missing, "fehlen", "missing"),
        (of.different, "stehen dort mit anderem Wert", "there with another value"),
        (of.doubled, "doppelt", "doubled"),
        (of.waiting, "warten noch", "still waiting"),
        (of.refused, "wurden abgelehnt (forward dead)", "refused (forward dead)"),
    ):
        if count:
            de += f", {count} {german}"
            en += f", {count} {english}"
    return pick(de, en)
