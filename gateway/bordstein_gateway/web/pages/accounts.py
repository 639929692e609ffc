"""/app/accounts: who may log in, for administrators."""

import asyncio
from typing import Any
from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...store.accounts import CHANGED, SAME, Account
from ...texts import Sentence, both
from ..access import Refused
from ..accounts import accounts, passwords
from ..accounts.door import NotIn
from .rights import ROLES, Right, User
from .site import Site

PATH = "/app/accounts"


def routes(site: Site) -> list[Route]:
    kept = site.sessions.accounts

    async def show(request: Request, user: User) -> Response:
        return await listed(request, user, Account("", "", "worker"))

    async def listed(
        request: Request, user: User, fresh: Account, wrong: dict[str, Sentence] | None = None, password: str = ""
    ) -> Response:
        found = await asyncio.to_thread(kept.all)
        values = {"accounts": found, "fresh": fresh, "wrong": wrong or {}, "password": password}
        return site.page(request, user, "accounts.html", 400 if wrong else 200, **shared(request), **values)

    def shared(request: Request) -> dict[str, Any]:
        lang = site.language(request)
        return {"all_roles": ROLES, "all_desks": {name: site.desk_title(name, lang) for name in site.config.desk}}

    async def add(request: Request, user: User) -> Response:
        given = fields(await site.form(request))
        name, role = given.pop("name"), given.pop("role")
        account, wrong = accounts.new(site.config, name, role, **given)
        if wrong:
            return await listed(request, user, account, wrong)
        password, hash = await first()
        if not await asyncio.wrap_future(kept.add(account._replace(password=hash), user.name)):
            return await listed(request, user, account, {"name": accounts.TAKEN})
        return await listed(request, user, account, password=password)

    async def first() -> tuple[str, str]:
        """A first password, and its hash."""
        password = passwords.first()
        try:
            return password, await site.door.work(passwords.hashed, password)
        except NotIn as error:
            raise Refused(429, error.sentence) from None

    async def named(request: Request) -> Account:
        account = await asyncio.to_thread(kept.get, request.path_params["name"])
        if account is None:
            raise Refused(404, accounts.REFUSED["missing"])
        return account

    async def one(request: Request, user: User) -> Response:
        return details(request, user, await named(request))

    def details(
        request: Request, user: User, account: Account, wrong: dict[str, Sentence] | None = None, password: str = ""
    ) -> Response:
        values = {"account": account, "wrong": wrong or {}, "password": password}
        return site.page(request, user, "account_of.html", 400 if wrong else 200, **shared(request), **values)

    async def change(request: Request, user: User) -> Response:
        account = await named(request)
        given = fields(await site.form(request))
        given.pop("name")
        if account.subject:  # the provider says them, at each login
            raise Refused(400, both("Rolle und Stellen kommen vom Anbieter.", "Role and desks come from the provider."))
        # Desks that gateway.toml no longer has are kept until somebody takes them away there.
        new = account._replace(**given | {"desks": tuple(given["desks"])})
        wrong = accounts.problems(site.config, new)
        if wrong:
            return details(request, user, new, wrong)
        done = both(f"{account.name} ist geändert.", f"{account.name} is changed.")
        return await changed(request, user, account, done, **given | {"desks": new.desks})

    async def changed(request: Request, user: User, account: Account, done: Sentence, **values: Any) -> Response:
        outcome = await asyncio.wrap_future(kept.change(account.name, user.name, **values))
        path = f"{PATH}/{quote(account.name)}"
        if outcome in (CHANGED, SAME):
            return site.back(request, path, done)
        return site.back(request, path, accounts.REFUSED[outcome], bad=True)

    async def disable(request: Request, user: User) -> Response:
        account = await named(request)
        done = both(f"{account.name} ist gesperrt und abgemeldet.", f"{account.name} is disabled and logged out.")
        return await changed(request, user, account, done, disabled=True)

    async def enable(request: Request, user: User) -> Response:
        account = await named(request)
        done = both(f"{account.name} darf wieder hinein.", f"{account.name} may log in again.")
        return await changed(request, user, account, done, disabled=False)

    async def password(request: Request, user: User) -> Response:
        account = await named(request)
        if account.name == user.name:
            raise Refused(
                400,
                both("Das eigene Passwort ändert „Mein Konto“.", 'One\'s own password is changed in "My account".'),
            )
        new, hash = await first()
        if not await asyncio.wrap_future(kept.set_password(account.name, hash, actor=user.name)):
            raise Refused(400, both("Dieses Konto hat hier kein Passwort.", "This account has no password here."))
        return details(request, user, account, password=new)

    return [
        site.get(PATH, show, Right.ADMINISTER),
        site.post(PATH, add, Right.ADMINISTER),
        site.get(PATH + "/{name}", one, Right.ADMINISTER),
        site.post(PATH + "/{name}", change, Right.ADMINISTER),
        site.post(PATH + "/{name}/password", password, Right.ADMINISTER),
        site.post(PATH + "/{name}/disable", disable, Right.ADMINISTER),
        site.post(PATH + "/{name}/enable", enable, Right.ADMINISTER),
    ]


def fields(form: FormData) -> dict[str, Any]:
    """Of an account, as they were given."""
    found: dict[str, Any] = {name: str(form.get(name, "")).strip() for name in ("name", "full_name", "role", "mail")}
    return found | {"desks": [str(desk) for desk in form.getlist("desks")]}
