"""ID tokens: whether one is true (OpenID Connect Core 1.0 section 3.1.3.7), by joserfc."""

from contextlib import suppress
from typing import Any

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
"""Signatures that a provider's public keys prove. Never none, nor HMAC with the client's secret."""
_LEEWAY_S = 60


class Untrue(Exception):
    """A token that proves nothing. `key`: a new key of the provider may mend it."""

    def __init__(self, why: str, *, key: bool = False) -> None:
        super().__init__(why)
        self.key = key


def key_set(found: dict[str, Any]) -> Any:
    """A provider's keys for signatures (RFC 7517); those that nobody here can read are left out."""
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet, import_key

    keys = []
    given = found.get("keys")
    for one in given if isinstance(given, list) else []:
        if isinstance(one, dict) and one.get("use", "sig") == "sig" and one.get("kty") in ("RSA", "EC", "OKP"):
            with suppress(JoseError, ValueError, KeyError, TypeError):
                keys.append(import_key(one))
    return KeySet(keys)


def claims_of(token: str, keys: Any, issuer: str, client: str, nonce: str, now: int) -> dict[str, Any]:
    """What a true token says; Untrue. `now`: Unix seconds."""
    from joserfc import jwt
    from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError

    registry = jwt.JWTClaimsRegistry(
        now=now,
        leeway=_LEEWAY_S,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": client},
        exp={"essential": True},
        iat={"essential": True},
        sub={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        claims = dict(jwt.decode(token, keys, algorithms=ALGORITHMS).claims)
        registry.validate(claims)
    except (BadSignatureError, InvalidKeyIdError) as error:
        raise Untrue(f"ID token: {type(error).__name__}", key=True) from None
    except (JoseError, ValueError, TypeError, KeyError) as error:
        what = getattr(error, "claim", "") or ""
        raise Untrue(f"ID token: {type(error).__name__} {what}".rstrip()) from None
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else client) != client:
        raise Untrue("ID token: it is for another client (azp)")
    return claims
