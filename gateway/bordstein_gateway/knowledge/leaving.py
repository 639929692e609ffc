"""When somebody leaves: what only this person, or this desk, has (rules, boards, keys), and what nobody looks after.

A person is an account; people sit at desks, and rules belong to desks. So a rule depends on a person where its owner
and its deputy have nobody else.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from ..config.config import Config
from ..rules.sheet import Sheet
from ..store.accounts import Account
from .keepers import Subject, subjects


class Leaving(NamedTuple):
    """`who`: "desk depot" or "account eva". `rules`: sheets that then have no owner; `desks`: that then have nobody;
    `devices`: boards, and `keys`: keys and credentials that then nobody holds."""

    who: str
    rules: Sequence[str]
    desks: Sequence[str]
    devices: Sequence[str]
    keys: Sequence[Subject]
    last_administrator: bool


class Gaps(NamedTuple):
    """What nobody looks after, whoever goes. `unkept`: keys and credentials of which nobody is named; `stepless`:
    sheets without steps; `unused`: (sheet, step) that no case ever needed; `overdue`: (sheet, day) that is due;
    `deserted`: desks that own rules and have nobody.
    """

    unkept: Sequence[Subject]
    stepless: Sequence[str]
    unused: Sequence[tuple[str, str]]
    overdue: Sequence[tuple[str, date]]
    deserted: Sequence[str]
    unwritten: Sequence[str]


def leaving(
    who: str,
    config: Config,
    sheets: Mapping[str, Sheet],
    accounts: Iterable[Account],
    keepers: Mapping[str, Sequence[str]],
    writers: Mapping[str, set[str]],
) -> Leaving:
    """What goes with `who`. `keepers`: subject -> holders, see keepers.py; `writers`: device -> accounts that wrote in
    its life record.
    """
    active = [account for account in accounts if not account.disabled]
    kind, _, name = who.partition(" ")
    staying = [account for account in active if not (kind == "account" and account.name == name)]
    before, after = _manned(active), _manned(staying)
    if kind == "desk":
        before, after = before | {name}, after - {name}
    rules = [
        rule
        for rule, sheet in sheets.items()
        if {sheet.owner, sheet.deputy} & before and not {sheet.owner, sheet.deputy} & after
    ]
    held = {subject: set(holders) for subject, holders in keepers.items()}
    alone = {subject for subject, holders in held.items() if holders == {who}}
    if kind == "account":  # held by a desk where nobody else sits
        gone = {f"desk {desk}" for desk in before - after}
        alone |= {subject for subject, holders in held.items() if holders and holders <= gone | {who}}
    known = {account.name for account in staying}
    devices = sorted(
        device
        for device, who_wrote in writers.items()
        if kind == "account" and name in who_wrote and not who_wrote & known
    )
    administrators = {account.name for account in active if account.role == "administrator"}
    return Leaving(
        who,
        rules,
        sorted(before - after) if kind == "account" else [],
        devices,
        [subject for subject in subjects(config) if subject.name in alone],
        kind == "account" and administrators == {name},
    )


def gaps(
    config: Config,
    sheets: Mapping[str, Sheet],
    accounts: Iterable[Account],
    keepers: Mapping[str, Sequence[str]],
    used: Mapping[str, set[str]],
    unwritten: Sequence[str],
    today: date,
) -> Gaps:
    """`used`: rule -> steps that were done in any case of it; a rule that never had a case is not in it. `unwritten`:
    stations whose life record is empty."""
    manned = _manned(account for account in accounts if not account.disabled)
    desks = {desk for sheet in sheets.values() for desk in (sheet.owner, sheet.deputy)}
    return Gaps(
        [subject for subject in subjects(config) if not keepers.get(subject.name)],
        [name for name, sheet in sheets.items() if not sheet.steps and sheet.procedure == type(sheet.procedure)()],
        [
            (name, step.id)
            for name, sheet in sheets.items()
            if used.get(name)  # no case of it has come so far: nothing can be said
            for step in sheet.steps
            if step.id not in used[name]
        ],
        sorted(
            ((name, sheet.review) for name, sheet in sheets.items() if sheet.review <= today), key=lambda one: one[1]
        ),
        sorted(desks - manned),
        unwritten,
    )


def _manned(accounts: Iterable[Account]) -> set[str]:
    """Desks at which somebody sits."""
    return {desk for account in accounts for desk in account.desks}
