"""Who may do what on the pages. A role includes those before it: reader, worker, dispatcher, administrator."""

from dataclasses import dataclass
from enum import IntEnum

from ...texts import both

ROLES = ("reader", "worker", "dispatcher", "administrator")
ROLE_NAMES = {
    "reader": both("Lesen", "Reader"),
    "worker": both("Bearbeitung", "Worker"),
    "dispatcher": both("Disposition", "Dispatcher"),
    "administrator": both("Administration", "Administrator"),
}


class Right(IntEnum):
    """What an address needs.

    READ: see everything but accounts and secrets. WORK: take cases, do steps, comment, photos, visits. DISPATCH:
    assign, silence, false alarms of others, edit rule sheets, send dead letters again, reports. ADMINISTER: accounts,
    devices' configuration, export of the audit log.
    """

    READ = 0
    WORK = 1
    DISPATCH = 2
    ADMINISTER = 3


@dataclass(frozen=True, slots=True)
class User:
    """Who is logged in. `csrf`: of this login, for forms. `digest`: the login's key in the store."""

    name: str
    full_name: str
    role: str
    desks: tuple[str, ...] = ()
    mail: str = ""
    must_change: bool = False
    subject: str | None = None
    csrf: str = ""
    digest: str = ""

    def may(self, right: Right) -> bool:
        """Whether the role has this right."""
        return self.role in ROLES and ROLES.index(self.role) >= right
