"""/app/account: one's own account."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...texts import Sentence, both, said
from ..accounts import passwords
from ..accounts.door import NotIn
from .rights import Right, User
from .site import ACCOUNT, LOGIN, Site


def routes(site: Site) -> list[Route]:
    accounts = site.sessions.accounts

    async def show(request: Request, user: User) -> Response:
        return await form(request, user)

    async def form(request: Request, user: User, status: int = 200, text: Sentence | None = None) -> Response:
        logins = await asyncio.to_thread(accounts.logins, user.name)
        lang = site.language(request)
        desks = [site.desk_title(name, lang) for name in user.desks]
        shown = said(text, lang) if text else ""
        return site.page(request, user, "account.html", status, logins=logins, desks=desks, text=shown)

    async def password(request: Request, user: User) -> Response:
        given = await site.form(request)
        old, new, again = (str(given.get(field, "")) for field in ("old", "new", "again"))
        account = await asyncio.to_thread(accounts.get, user.name)
        if account is None or user.subject:
            return site.back(request, ACCOUNT)
        address = request.client.host if request.client else ""
        try:
            await site.door.enter(user.name, old, address)
        except NotIn as error:
            wrong = both("Das bisherige Passwort ist falsch.", "The present password is wrong.")
            return await form(request, user, 429 if error.wait else 400, error.sentence if error.wait else wrong)
        problem = passwords.problem(new, user.name, user.full_name)
        if problem is None and new != again:
            problem = both("Die beiden neuen Passwörter sind nicht gleich.", "The two new passwords are not the same.")
        if problem is None and new == old:
            problem = both("Das neue Passwort ist das alte.", "The new password is the old one.")
        if problem is not None:
            return await form(request, user, 400, problem)
        try:
            hash = await site.door.work(passwords.hashed, new)
        except NotIn as error:
            return await form(request, user, 429, error.sentence)
        await asyncio.wrap_future(accounts.set_password(user.name, hash, actor=user.name, keep=user.digest))
        done = both(
            "Das Passwort ist geändert; andere Browser sind abgemeldet.",
            "The password is changed; other browsers are logged out.",
        )
        return site.back(request, "/app/" if user.must_change else ACCOUNT, done)

    async def leave_all(request: Request, user: User) -> Response:
        await asyncio.wrap_future(accounts.log_out(user.name, user.name))
        response = site.back(request, LOGIN)
        await site.sessions.end(user, response)
        return response

    return [
        site.get(ACCOUNT, show),
        site.post("/app/account/password", password, Right.READ),
        site.post("/app/account/logins", leave_all, Right.READ),
    ]
