"""/app/login/oidc: logins by OpenID Connect, and logging out there again."""

import asyncio
import time
from collections import OrderedDict

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ...store.accounts import Account
from ...texts import both
from ..accounts import accounts
from ..accounts.oidc import BACK, Identity, NoLogin, Provider, listed, role_of
from .rights import ROLES, User
from .site import Site

_MOST_TOKENS = 1000
_LASTS_S = 600
_log = structlog.get_logger(__name__)


class SignOn:
    """The logins of one site by its provider."""

    def __init__(self, site: Site, provider: Provider) -> None:
        self._site = site
        self._provider = provider
        self._tokens: OrderedDict[str, str] = OrderedDict()

    def routes(self) -> list[Route]:
        return [
            self._site.public("/app/login/oidc", self._begin),
            self._site.public(BACK, self._finish),
        ]

    async def _begin(self, request: Request, user: User | None) -> Response:
        from .login import inside

        try:
            url, browser = await self._provider.begin(inside(request.query_params.get("to", "")))
        except NoLogin as error:
            return self._refused(request, error, 502)
        response = RedirectResponse(url, 303)
        self._site.sessions.set_cookie(response, self._cookie, browser, _LASTS_S)
        return response

    async def _finish(self, request: Request, user: User | None) -> Response:
        try:
            identity = await self._provider.finish(request.query_params, request.cookies.get(self._cookie, ""))
            account = await self._account(identity)
        except NoLogin as error:
            return self._refused(request, error, 403)
        response = RedirectResponse(identity.to, 303)
        digest = await self._site.sessions.begin(account, request, response)
        response.delete_cookie(self._cookie, path="/", secure=self._site.sessions.secure, httponly=True, samesite="lax")
        self._tokens[digest] = identity.token
        while len(self._tokens) > _MOST_TOKENS:
            self._tokens.popitem(last=False)
        return response

    async def out(self, user: User) -> str | None:
        """Where somebody who came from the provider goes to log out there, too."""
        return await self._provider.end(self._tokens.pop(user.digest, None)) if user.subject else None

    async def _account(self, identity: Identity) -> Account:
        settings, claims = self._provider.settings, identity.claims
        role = role_of(settings, claims, ROLES)
        subject = f"{settings.issuer} {claims['sub']}"
        if role is None:
            # Whoever comes again without a role is not to go on elsewhere with the one from before.
            await asyncio.wrap_future(self._site.sessions.accounts.leave(subject))
            raise NoLogin(
                both(
                    "Ihr Konto hat beim Anmeldedienst keine Rolle für diese Seiten; wer ihn verwaltet, kann sie geben.",
                    "Your account has no role for these pages at the login service; its administrator can give one.",
                ),
                "no role",
            )
        given = {name: claims[name] for name in ("preferred_username", "name", "email") if _text(claims.get(name))}
        mail = given.get("email", "") if accounts.is_mail(given.get("email", "")) else ""
        desks = tuple(desk for desk in listed(claims, settings.desks_claim) if desk in self._site.config.desk)
        name = accounts.as_name(given.get("preferred_username") or mail or claims["sub"])
        full_name = " ".join(given.get("name", "").split())[:100]
        account = Account(name, full_name, role, desks, mail, created=int(time.time() * 1000))
        account = account._replace(subject=subject)
        account = await asyncio.wrap_future(self._site.sessions.accounts.come(account))
        if account.disabled:
            raise NoLogin(both("Dieses Konto ist hier gesperrt.", "This account is disabled here."), "disabled")
        return account

    def _refused(self, request: Request, error: NoLogin, status: int) -> Response:
        _log.warning("no login by OpenID Connect", reason=error.why)
        return self._site.error(request, None, status, error.sentence)

    @property
    def _cookie(self) -> str:
        return f"{self._site.sessions.cookie}_oidc"


def _text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 200 and value.isprintable()
