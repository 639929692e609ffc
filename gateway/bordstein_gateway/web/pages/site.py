"""What all pages share: login, right, CSRF, headers, language, layout, messages, errors.

    async def show(request: Request, user: User) -> Response:
        return site.page(request, user, "cases/list.html", cases=await …)

    def routes(site: Site) -> list[Route]:
        return [site.get("/app/cases", show), site.post("/app/cases/{id:int}/take", take, Right.WORK)]

An endpoint may raise Refused (status and sentence), HTTPException or StoreError: each becomes a page. Slow work belongs
in asyncio.to_thread.
"""

import hmac
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from urllib.parse import urlencode

import structlog
from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from ...config.office import desk_title
from ...status import ServiceState
from ...store import StoreError
from ...texts import Sentence, both, said
from ..access import Refused, language
from ..accounts.door import Door
from ..accounts.sessions import Sessions
from .body import limited
from .headers import is_ours, security_headers
from .navigation import SECTIONS
from .rendering import environment
from .rights import Right, User

Endpoint = Callable[[Request, User], Awaitable[Response]]
PublicEndpoint = Callable[[Request, User | None], Awaitable[Response]]
LOGIN, ACCOUNT, HOME = "/app/login", "/app/account", "/app/"
_WITH_FIRST_PASSWORD = (ACCOUNT, "/app/account/password", "/app/logout")
_LANGUAGE = "bordstein_lang"
_YEAR_S = 31_536_000
_LARGEST = 262_144
"""Bytes of a form; an endpoint that takes photos says how many it takes."""
_MOST_MESSAGES = 1000
_log = structlog.get_logger(__name__)
_ERRORS = {
    400: both("Diese Anfrage ist nicht zu verstehen.", "This request can't be understood."),
    403: both(
        "Dafür fehlt Ihrem Konto das Recht. Wer verwaltet, kann es geben.",
        "Your account lacks the right for this. An administrator can give it.",
    ),
    404: both("Diese Seite gibt es nicht.", "There is no such page."),
    405: both("Das geht hier nicht.", "That can't be done here."),
    413: both("Das ist zu groß; höchstens so viel, wie das Formular nennt.", "That is too large for this form."),
    500: both(
        "Hier ist etwas schiefgegangen; es steht im Protokoll des Dienstes. Bitte noch einmal versuchen.",
        "Something went wrong here; the service's log has it. Please try again.",
    ),
}
STALE = both(
    "Dieses Formular ist zu alt oder kam nicht von diesen Seiten. Bitte zurückgehen, neu laden und noch einmal senden.",
    "This form is too old, or was not sent by these pages. Please go back, reload and send it again.",
)


class Address(NamedTuple):
    """`right` None: without a login."""

    method: str
    path: str
    right: Right | None


class Message(NamedTuple):
    """Shown once, on the next page."""

    text: str
    bad: bool


class Site:
    """The pages of one service."""

    def __init__(self, state: ServiceState) -> None:
        self.state = state
        self.config = state.config
        self.store = state.store
        self.sessions = Sessions(state.config, state.store)
        self.door = Door(self.sessions.accounts)
        self.addresses: list[Address] = []
        """Every address of the pages: who adds one that is not here has forgotten its right."""
        self._headers = security_headers(state.config)
        self._messages: OrderedDict[str, list[Message]] = OrderedDict()
        self._key = secrets.token_bytes(32)
        self._templates = environment(state.config)

    # Addresses

    def get(self, path: str, endpoint: Endpoint, right: Right = Right.READ) -> Route:
        """A page for who has this right; others are sent to the login, or get 403."""
        return self._route("GET", path, self._inside(endpoint, right), right)

    def post(self, path: str, endpoint: Endpoint, right: Right = Right.WORK, *, largest: int = _LARGEST) -> Route:
        """What a form does. Its template has {{ csrf() }} in <form>; site.form() has its fields."""
        return self._route("POST", path, self._inside(endpoint, right, largest), right)

    def public(self, path: str, endpoint: PublicEndpoint, method: str = "GET") -> Route:
        """For everybody; `user` is None for who is not logged in. A form has {{ csrf() }} here, too."""

        async def enter(request: Request) -> Response:
            user = await self.sessions.user(request)
            if request.method == "POST" and (refused := await self._check_form(request, user, _LARGEST)):
                return refused
            return await endpoint(request, user)

        return self._route(method, path, enter, None)

    def open(self, path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> Route:
        """For everybody, and the same for all: no login is looked at, no cookie set, so that caches may keep it."""
        self.addresses.append(Address("GET", path, None))

        async def answer(request: Request) -> Response:
            response = await self._safe(request, endpoint)
            for name, value in self._headers.items():
                response.headers.setdefault(name, value)
            if "set-cookie" in response.headers:
                del response.headers["set-cookie"]
            return response

        return Route(path, answer, methods=["GET"])

    def _route(
        self, method: str, path: str, enter: Callable[[Request], Awaitable[Response]], right: Right | None
    ) -> Route:
        self.addresses.append(Address(method, path, right))

        async def answer(request: Request) -> Response:
            return self._finish(request, await self._safe(request, enter))

        return Route(path, answer, methods=[method])

    def _inside(self, endpoint: Endpoint, right: Right, largest: int = 0) -> Callable[[Request], Awaitable[Response]]:
        async def enter(request: Request) -> Response:
            user = await self.sessions.user(request)
            if user is None:
                return self._to_login(request)
            request.state.user = user
            if user.must_change and request.url.path not in _WITH_FIRST_PASSWORD:
                return RedirectResponse(ACCOUNT, 303)
            if not user.may(right):
                return self.error(request, user, 403)
            if request.method == "POST" and (refused := await self._check_form(request, user, largest)):
                return refused
            return await endpoint(request, user)

        return enter

    async def _safe(self, request: Request, enter: Callable[[Request], Awaitable[Response]]) -> Response:
        """Whatever happens, an answer that people can read."""
        try:
            return await enter(request)
        except Refused as error:
            return self.error(request, self._known(request), error.status_code, error.sentence, error.headers)
        except HTTPException as error:
            return self.error(request, self._known(request), error.status_code)
        except StoreError as error:
            return self.error(request, self._known(request), 503, said(error, self.language(request)))
        except Exception:  # noqa: BLE001  (a page's mistake ends this page alone)
            _log.exception("a page failed", path=request.url.path)
            return self.error(request, self._known(request), 500)

    def _known(self, request: Request) -> User | None:
        return getattr(request.state, "user", None)

    def _to_login(self, request: Request) -> Response:
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        there = urlencode({"to": target}) if request.method == "GET" and target != HOME else ""
        return RedirectResponse(f"{LOGIN}?{there}" if there else LOGIN, 303)

    def _finish(self, request: Request, response: Response) -> Response:
        for name, value in self._headers.items():
            response.headers.setdefault(name, value)
        if (wanted := request.query_params.get("lang")) in ("de", "en"):
            self.sessions.set_cookie(response, _LANGUAGE, wanted, _YEAR_S)
        return response

    # Forms

    async def form(self, request: Request) -> FormData:
        """The fields of a form that was checked already."""
        found: FormData = request.state.form
        return found

    async def _check_form(self, request: Request, user: User | None, largest: int) -> Response | None:
        """Reads the form; an answer where it is not ours or too large."""
        if not is_ours(request, self.config):
            return self.error(request, user, 403, STALE)
        request.state.form = form = await limited(request, largest)
        given = form.get("csrf")
        wanted = self.csrf(request, user)
        if not wanted or not isinstance(given, str) or not hmac.compare_digest(given.encode(), wanted.encode()):
            return self.error(request, user, 403, STALE)
        return None

    def csrf(self, request: Request, user: User | None) -> str:
        """What the forms of this login hold; before a login, what fits to a cookie of its own. Empty: there is none."""
        if user is not None:
            return user.csrf
        cookie = getattr(request.state, "visitor", None) or request.cookies.get(self._visitor)
        return hmac.new(self._key, cookie.encode(), "sha256").hexdigest() if cookie else ""

    @property
    def _visitor(self) -> str:
        return f"{self.sessions.cookie}_form"

    # Answers

    def language(self, request: Request) -> str:
        """'de' or 'en': ?lang=, else what was chosen last, else what the browser asks for."""
        kept = request.cookies.get(_LANGUAGE)
        return kept if kept in ("de", "en") and "lang" not in request.query_params else language(request)

    def page(
        self, request: Request, user: User | None, template: str, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """A template of templates/app/ with these values and what base.html needs."""
        lang = self.language(request)
        fresh = None
        if user is None and not self.csrf(request, None):
            request.state.visitor = fresh = secrets.token_urlsafe(24)
        others = [(key, value) for key, value in request.query_params.multi_items() if key != "lang"]
        others.append(("lang", "en" if lang == "de" else "de"))
        paths = {address.path for address in self.addresses}
        content = self._templates.get_template(template).render(
            user=user,
            lang=lang,
            _=lambda de, en: de if lang == "de" else en,
            path=request.url.path,
            sections=[one for one in SECTIONS if one.path in paths and user is not None and user.may(one.right)],
            messages=self._messages.pop(user.digest, []) if user else [],
            csrf=lambda: Markup('<input type="hidden" name="csrf" value="{}">').format(self.csrf(request, user)),
            other_lang=f"?{urlencode(others)}",
            **values,
        )
        response = HTMLResponse(content, status, headers=self._headers)
        if fresh is not None:
            self.sessions.set_cookie(response, self._visitor, fresh)
        return response

    def back(self, request: Request, path: str, message: Sentence | None = None, *, bad: bool = False) -> Response:
        """After a form: to a page (303), with a message there. `bad`: it did not go as wanted."""
        user = self._known(request)
        if message is not None and user is not None:
            self.tell(user.digest, said(message, self.language(request)), bad=bad)
        return RedirectResponse(path, 303)

    def tell(self, digest: str, text: str, *, bad: bool = False) -> None:
        """A message for the next page of a login."""
        self._messages.setdefault(digest, []).append(Message(text, bad))
        while len(self._messages) > _MOST_MESSAGES:
            self._messages.popitem(last=False)

    def error(
        self,
        request: Request,
        user: User | None,
        status: int,
        sentence: str | None = None,
        headers: Any = None,
    ) -> Response:
        """A page that says in one sentence what is wrong, with a way back."""
        text = said(sentence or _ERRORS.get(status) or _ERRORS[500 if status >= 500 else 400], self.language(request))
        response = self.page(request, user, "error.html", status, text=text, code=status)
        response.headers.update(headers or {})
        return response

    def desk_title(self, name: str, lang: str) -> str:
        """A desk as people call it; its name where it is not configured (any more)."""
        return desk_title(self.config.desk, name, lang)

    async def missing(self, request: Request) -> Response:
        """For addresses below /app/ that are nobody's."""
        user = await self.sessions.user(request)
        return self._finish(request, self.error(request, user, 404))
