"""An OpenID Connect provider as Keycloak is one, from the standard: discovery, authorization code with PKCE, keys that
rotate, user info, logout.

It refuses what Keycloak refuses: another redirect_uri, a scope without openid, no PKCE, a code used twice or too late,
a wrong verifier, client or secret. `fault` makes it misbehave: "nonce", "none" (alg), "hmac", "expired", "aud", "iss",
"azp", "foreign key", "no id_token", "503", "other user info".
"""

import base64
import hashlib
import itertools
import json
import secrets
import time
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

_CODE_S = 60


class Provider:
    """`issuer` is set once its address is known. `user`: the claims of who is logged in there at the moment."""

    def __init__(self, client: str, secret: str, redirect_uri: str, logout_uri: str) -> None:
        self.client, self.secret = client, secret
        self.redirect_uri, self.logout_uri = redirect_uri, logout_uri
        self.issuer = ""
        self.user: dict[str, Any] = {}
        self.denies = False
        self.fault = ""
        self.asked: list[str] = []
        self.logouts: list[dict[str, str]] = []
        self._codes: dict[str, dict[str, Any]] = {}
        self._used: set[str] = set()
        self._tokens: dict[str, dict[str, Any]] = {}
        self._numbers = itertools.count(1)
        self._key: Any = None
        self.rotate()
        self.app = Starlette(
            routes=[
                Route("/realms/town/.well-known/openid-configuration", self._discovery),
                Route("/realms/town/auth", self._authorize),
                Route("/realms/town/token", self._token, methods=["POST"]),
                Route("/realms/town/certs", self._certs),
                Route("/realms/town/userinfo", self._userinfo),
                Route("/realms/town/logout", self._logout),
            ]
        )

    def rotate(self) -> None:
        """A new key signs; the old one is gone."""
        id = f"key-{next(self._numbers)}"
        kind: Any = RSAKey if self._key is None else ECKey
        size: Any = 2048 if self._key is None else "P-256"
        self._key = kind.generate_key(size, parameters={"kid": id, "use": "sig"})

    @property
    def _algorithm(self) -> str:
        return "RS256" if isinstance(self._key, RSAKey) else "ES256"

    async def _discovery(self, request: Request) -> Response:
        if self.fault == "503":
            return PlainTextResponse("away", 503)
        base = self.issuer
        return JSONResponse(
            {
                "issuer": base,
                "authorization_endpoint": f"{base}/auth",
                "token_endpoint": f"{base}/token",
                "jwks_uri": f"{base}/certs",
                "userinfo_endpoint": f"{base}/userinfo",
                "end_session_endpoint": f"{base}/logout",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256", "ES256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                "authorization_response_iss_parameter_supported": True,
            }
        )

    async def _authorize(self, request: Request) -> Response:
        """Core section 3.1.2; a wrong client or redirect_uri is shown, never sent back to where it asks for."""
        query = request.query_params
        if query.get("client_id") != self.client or query.get("redirect_uri") != self.redirect_uri:
            return PlainTextResponse("Invalid parameter: redirect_uri", 400)
        back = {"state": query.get("state", ""), "iss": self.issuer}
        wrong = (
            query.get("response_type") != "code"
            or "openid" not in query.get("scope", "").split()
            or query.get("code_challenge_method") != "S256"
            or len(query.get("code_challenge", "")) != 43
            or len(query.get("state", "")) < 20
            or len(query.get("nonce", "")) < 20
        )
        if wrong or self.denies:
            error = {"error": "invalid_request" if wrong else "access_denied"}
            return RedirectResponse(f"{self.redirect_uri}?{urlencode(back | error)}", 302)
        code = secrets.token_urlsafe(16)
        self._codes[code] = {
            "nonce": query["nonce"],
            "challenge": query["code_challenge"],
            "at": time.monotonic(),
            "user": dict(self.user),
        }
        return RedirectResponse(f"{self.redirect_uri}?{urlencode(back | {'code': code})}", 302)

    async def _token(self, request: Request) -> Response:
        self.asked.append("token")
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode(), True, True).items()}
        given = request.headers.get("authorization", "")
        id, _, key = base64.b64decode(given.removeprefix("Basic ")).decode().partition(":")
        if not given.startswith("Basic ") or (unquote_plus(id), unquote_plus(key)) != (self.client, self.secret):
            return _error(401, "unauthorized_client")
        if "client_secret" in form:
            return _error(400, "invalid_request")
        if form.get("grant_type") != "authorization_code":
            return _error(400, "unsupported_grant_type")
        code = form.get("code", "")
        known = self._codes.pop(code, None)
        if known is None or code in self._used or time.monotonic() - known["at"] > _CODE_S:
            return _error(400, "invalid_grant")
        self._used.add(code)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if challenge.rstrip(b"=").decode() != known["challenge"] or form.get("redirect_uri") != self.redirect_uri:
            return _error(400, "invalid_grant")
        token = secrets.token_urlsafe(16)
        self._tokens[token] = known["user"]
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": 60}
        if self.fault != "no id_token":
            answer["id_token"] = self._id_token(known)
        return JSONResponse(answer, headers={"cache-control": "no-store"})

    def _id_token(self, known: dict[str, Any]) -> str:
        now, fault = int(time.time()), self.fault
        claims = {
            "iss": "https://evil.example" if fault == "iss" else self.issuer,
            "aud": "another" if fault == "aud" else [self.client, "account"] if fault == "azp" else self.client,
            "azp": "another" if fault == "azp" else self.client,
            "exp": now - 3600 if fault == "expired" else now + 60,
            "iat": now - 7200 if fault == "expired" else now,
            "nonce": "x" * 43 if fault == "nonce" else known["nonce"],
            "typ": "ID",
            **{name: value for name, value in known["user"].items() if name != "only user info"},
        }
        if fault == "none":
            parts = ({"alg": "none", "typ": "JWT"}, claims)
            return (
                ".".join(base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode() for one in parts)
                + "."
            )
        if fault == "hmac":
            key = OctKey.import_key(self.secret.ljust(32, "-"))
            return str(jwt.encode({"alg": "HS256"}, claims, key, algorithms=["HS256"]))
        key = self._key
        if fault == "foreign key":
            key = type(key).generate_key(2048 if isinstance(key, RSAKey) else "P-256", parameters={"kid": key.kid})
        return str(jwt.encode({"alg": self._algorithm, "kid": self._key.kid}, claims, key))

    async def _certs(self, request: Request) -> Response:
        self.asked.append("certs")
        keys = KeySet([self._key]).as_dict(private=False)
        encryption = {"kty": "RSA", "use": "enc", "kid": "enc", "alg": "RSA-OAEP", "n": "AQAB", "e": "AQAB"}
        return JSONResponse({"keys": [encryption, {"kty": "future", "kid": "f"}, *keys["keys"]]})

    async def _userinfo(self, request: Request) -> Response:
        user = self._tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if user is None:
            return _error(401, "invalid_token")
        more = user.get("only user info", {})
        return JSONResponse({"sub": "somebody-else" if self.fault == "other user info" else user["sub"], **more})

    async def _logout(self, request: Request) -> Response:
        """RP-Initiated Logout section 2: where to go afterwards has to be known."""
        query = dict(request.query_params)
        if query.get("post_logout_redirect_uri") != self.logout_uri or query.get("client_id") != self.client:
            return PlainTextResponse("Invalid redirect uri", 400)
        if hint := query.get("id_token_hint"):
            jwt.decode(hint, self._key, algorithms=[self._algorithm])
        self.logouts.append(query)
        return RedirectResponse(self.logout_uri, 302)


def _error(status: int, code: str) -> Response:
    return JSONResponse({"error": code}, status_code=status)
