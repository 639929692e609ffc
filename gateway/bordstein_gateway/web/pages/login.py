"""/app/login and /app/logout."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ...texts import said
from ..accounts.door import NotIn
from ..accounts.oidc import Provider
from .login_oidc import SignOn
from .rights import Right, User
from .site import ACCOUNT, HOME, LOGIN, Site


def routes(site: Site) -> list[Route]:
    settings, url = site.config.pages.oidc, site.config.pages.url
    sign_on = SignOn(site, Provider(settings, url)) if settings and url else None

    async def show(request: Request, user: User | None) -> Response:
        if user is not None:
            return RedirectResponse(HOME, 303)
        return form(request, 200, request.query_params.get("to", ""))

    def form(request: Request, status: int, to: str, *, name: str = "", text: str = "") -> Response:
        label = settings.label if settings and sign_on else ""
        values = {"to": inside(to), "name": name, "text": text, "oidc": label}
        return site.page(request, None, "login.html", status, **values)

    async def enter(request: Request, user: User | None) -> Response:
        given = await site.form(request)
        name, password, to = (str(given.get(field, "")) for field in ("name", "password", "to"))
        name = name.strip()[:63]
        address = request.client.host if request.client else ""
        try:
            account = await site.door.enter(name, password, address)
        except NotIn as error:
            status = 429 if error.wait else 401
            response = form(request, status, to, name=name, text=said(error.sentence, site.language(request)))
            if error.wait:
                response.headers["retry-after"] = str(error.wait)
            return response
        response = RedirectResponse(ACCOUNT if account.must_change else inside(to), 303)
        await site.sessions.begin(account, request, response)
        return response

    async def leave(request: Request, user: User) -> Response:
        there = await sign_on.out(user) if sign_on else None
        response = RedirectResponse(there or LOGIN, 303)
        await site.sessions.end(user, response)
        return response

    return [
        site.public(LOGIN, show),
        site.public(LOGIN, enter, "POST"),
        site.post("/app/logout", leave, Right.READ),
        *(sign_on.routes() if sign_on else ()),
    ]


def inside(to: str) -> str:
    """Where to go after a login: a page of ours, else the first one. No other site gets people sent to it."""
    plain = to.isprintable() and to.startswith("/app/") and "\\" not in to and "//" not in to.partition("?")[0]
    return to if plain and not to.startswith((LOGIN, "/app/logout")) else HOME
