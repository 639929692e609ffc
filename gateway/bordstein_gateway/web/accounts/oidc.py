"""Logins by OpenID Connect: the authorization code flow with PKCE, state and nonce.

Sources: OpenID Connect Core 1.0 sections 3.1 and 5.3, Discovery 1.0 section 4, RP-Initiated Logout 1.0; RFC 7636, PKCE;
RFC 9207 (iss in the answer), RFC 9700 (security). As Keycloak and others do it.
"""

import base64
import hashlib
import secrets
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote_plus, urlencode

import httpx2
import structlog

from ...config.files import FileProblem, secret
from ...config.office import OpenIdConnect
from ...texts import Sentence, both
from .tokens import Untrue, claims_of, key_set

BACK = "/app/login/oidc/back"
_LASTS_S, _MOST = 600.0, 1000
_METADATA_S = 3600.0
_TIMEOUT_S = 15.0
_LARGEST = 1 << 20
_log = structlog.get_logger(__name__)
AWAY = both(
    "Der Anmeldedienst antwortet gerade nicht, wie er soll; später noch einmal versuchen.",
    "The login service does not answer as it should; try again later.",
)
NOT_OURS = both(
    "Diese Anmeldung gehört nicht hierher oder ist zu alt; bitte neu anfangen.",
    "This login does not belong here or is too old; please begin again.",
)
DENIED = both("Der Anmeldedienst hat die Anmeldung abgelehnt.", "The login service has refused the login.")


class NoLogin(Exception):
    """There is no login; `sentence` for the one who tried, `why` for the log."""

    def __init__(self, sentence: Sentence, why: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.why = why


class Identity(NamedTuple):
    """Who came. `token`: the ID token, to log out there, too."""

    claims: dict[str, Any]
    token: str
    to: str


class _Begun(NamedTuple):
    browser: str
    nonce: str
    verifier: str
    to: str
    at: float


class Provider:
    """One provider, as [pages.oidc] names it. `pages`: [pages] url. `clock`: Unix seconds."""

    def __init__(self, settings: OpenIdConnect, pages: str, clock: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self._back = pages.rstrip("/") + BACK
        self._home = pages.rstrip("/") + "/app/login"
        self._clock = clock
        self._begun: OrderedDict[str, _Begun] = OrderedDict()
        self._metadata: dict[str, Any] = {}
        self._metadata_at = 0.0
        self._keys: Any = None
        self._tls: ssl.SSLContext | None = None

    async def begin(self, to: str) -> tuple[str, str]:
        """Where the browser goes now, and what its cookie holds until it comes back. `to`: the page after. NoLogin."""
        metadata = await self._discovered()
        browser, state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(4))
        self._begun[state] = _Begun(browser, nonce, verifier, to, self._clock())
        while len(self._begun) > _MOST:
            self._begun.popitem(last=False)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self._back,
            "scope": self.settings.scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return _with(metadata["authorization_endpoint"], query), browser

    async def finish(self, query: Mapping[str, str], browser: str) -> Identity:
        """Who came back with this query; `browser`: what its cookie holds. NoLogin."""
        begun = self._begun.pop(query.get("state", ""), None)
        if begun is None or self._clock() - begun.at > _LASTS_S:
            raise NoLogin(NOT_OURS, "unknown or old state")
        if not browser or not secrets.compare_digest(begun.browser.encode(), browser.encode()):
            raise NoLogin(NOT_OURS, "another browser began")
        metadata = await self._discovered()
        issuer = query.get("iss")
        if issuer != self.settings.issuer and (
            issuer is not None or metadata.get("authorization_response_iss_parameter_supported") is True
        ):
            raise NoLogin(NOT_OURS, "the answer is of another issuer")
        if "error" in query:
            raise NoLogin(DENIED, f"error {query['error'][:60]}")
        answer = await self._exchange(metadata, query.get("code", ""), begun.verifier)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise NoLogin(AWAY, "no id_token")
        claims = await self._claims(metadata, token, begun.nonce)
        more = await self._user_info(metadata, answer.get("access_token"), claims["sub"])
        return Identity(more | claims, token, begun.to)

    async def end(self, token: str | None) -> str | None:
        """Where the browser goes to log out at the provider; None: it offers nothing. `token`: the ID token."""
        try:
            endpoint = (await self._discovered()).get("end_session_endpoint")
        except NoLogin:
            return None
        if not isinstance(endpoint, str):
            return None
        query = {"client_id": self.settings.client_id, "post_logout_redirect_uri": self._home}
        return _with(endpoint, query | ({"id_token_hint": token} if token else {}))

    # What the provider says

    async def _discovered(self) -> dict[str, Any]:
        if self._metadata and self._clock() - self._metadata_at < _METADATA_S:
            return self._metadata
        found = await self._ask("GET", self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if found.get("issuer") != self.settings.issuer:
            raise NoLogin(AWAY, f"issuer in gateway.toml is not that of the provider: {str(found.get('issuer'))[:200]}")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not isinstance(found.get(name), str):
                raise NoLogin(AWAY, f"the provider's configuration has no {name}")
        self._metadata, self._metadata_at = found, self._clock()
        return found

    async def _exchange(self, metadata: Mapping[str, Any], code: str, verifier: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back,
            "code_verifier": verifier,
        }
        try:
            key = secret(self.settings.client_secret_file)
        except FileProblem as error:
            raise NoLogin(AWAY, str(error)) from None
        id = self.settings.client_id
        ways = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if "client_secret_basic" in ways:
            # RFC 6749 section 2.3.1: each of them in the form's encoding first.
            basic = base64.b64encode(f"{quote_plus(id)}:{quote_plus(key)}".encode()).decode()
            return await self._ask(
                "POST", metadata["token_endpoint"], data=form, headers={"authorization": f"Basic {basic}"}
            )
        return await self._ask("POST", metadata["token_endpoint"], data=form | {"client_id": id, "client_secret": key})

    async def _claims(self, metadata: Mapping[str, Any], token: str, nonce: str) -> dict[str, Any]:
        """Of an ID token that is true; with the provider's keys as they are now, if it has others than before."""
        known = self._keys is not None
        for again in (False, True):
            if self._keys is None or again:
                self._keys = key_set(await self._ask("GET", metadata["jwks_uri"]))
            try:
                return claims_of(
                    token, self._keys, self.settings.issuer, self.settings.client_id, nonce, int(self._clock())
                )
            except Untrue as error:
                if not (known and error.key) or again:
                    raise NoLogin(AWAY, str(error)) from None
        raise NoLogin(AWAY, "no keys")

    async def _user_info(self, metadata: Mapping[str, Any], token: Any, sub: str) -> dict[str, Any]:
        """What the provider says of people beside the ID token; nothing when it says it of another."""
        endpoint = metadata.get("userinfo_endpoint")
        if not isinstance(endpoint, str) or not isinstance(token, str):
            return {}
        try:
            found = await self._ask("GET", endpoint, headers={"authorization": f"Bearer {token}"})
        except NoLogin as error:
            _log.warning("no user info", reason=error.why)
            return {}
        return found if found.get("sub") == sub else {}

    async def _ask(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        """A JSON object; NoLogin. Its reason never holds what was sent."""
        if self._tls is None:
            self._tls = ssl.create_default_context()
            if self.settings.ca:
                self._tls.load_verify_locations(self.settings.ca)
        where = url.partition("?")[0]
        try:
            async with (
                httpx2.AsyncClient(verify=self._tls, timeout=_TIMEOUT_S, follow_redirects=False) as http,
                http.stream(method, url, **more) as answer,
            ):
                body = bytearray()
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > _LARGEST:
                        raise NoLogin(AWAY, f"{where} answers with more than {_LARGEST} bytes")
            found = httpx2.Response(200, content=bytes(body)).json() if body else None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise NoLogin(AWAY, f"{where}: {type(error).__name__}") from None
        except ValueError:
            found = None
        if answer.status_code != 200 or not isinstance(found, dict):
            code = str(found.get("error", ""))[:60] if isinstance(found, dict) else ""
            raise NoLogin(AWAY, f"{where} answers {answer.status_code} {code}".rstrip())
        return found


def role_of(settings: OpenIdConnect, claims: Mapping[str, Any], order: tuple[str, ...]) -> str | None:
    """The largest role (the last in `order`) that the claims give; None: none of theirs is in `roles`."""
    given = {settings.roles[name] for name in listed(claims, settings.roles_claim) if name in settings.roles}
    return max(given, key=order.index, default=None)


def listed(claims: Mapping[str, Any], path: str | None) -> list[str]:
    """The texts at a path with dots between levels. A name that has dots itself (a namespace) counts first."""
    if not path:
        return []
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for level in path.split("."):
            found = found.get(level) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        return [found]
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _with(url: str, query: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"
