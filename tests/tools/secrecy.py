"""Whether a secret stands somewhere, in any form in which programs print one."""

import base64
import json
from collections.abc import Iterable, Mapping

from cryptography.hazmat.primitives import serialization


def forms(secret: str) -> set[str]:
    plain = secret.encode()
    encoded = base64.b64encode(plain).decode().rstrip("=")
    return {secret, json.dumps(secret)[1:-1], repr(plain)[2:-1], plain.hex(), encoded}


def assert_without(texts: Mapping[str, bytes], secrets: Iterable[str], keys: Iterable[bytes]) -> None:
    """No secret is in the names or contents, and no eighth of a private key (DER)."""
    raw = b"\n".join([*(name.encode() for name in texts), *texts.values()])
    text = raw.decode(errors="replace")
    for secret in secrets:
        for form in forms(secret):
            at = raw.find(form.encode())
            assert at < 0, (secret, form, raw[max(0, at - 200) :][:400])
    assert "PRIVATE KEY" not in text
    lower = text.lower().replace(":", "")
    for key in keys:
        encoded = base64.b64encode(key).decode()
        private = serialization.load_der_private_key(key, None)
        scalar: bytes = private.private_numbers().private_value.to_bytes(32, "big")  # type: ignore[union-attr,call-arg]
        assert key not in raw and scalar not in raw and scalar.hex() not in lower
        for start in range(0, len(key) - 16, 8):
            piece = key[start : start + 16]
            assert piece.hex() not in lower and ", ".join(map(str, piece)) not in text
        for start in range(0, len(encoded) - 22, 4):
            assert encoded[start : start + 22] not in text
