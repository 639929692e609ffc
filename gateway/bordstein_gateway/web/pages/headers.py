"""The pages' security headers, and whether a form came from one of them."""

from urllib.parse import urlsplit

from starlette.requests import Request

from ...config.config import Config
from ...config.types import origin


def security_headers(config: Config) -> dict[str, str]:
    """For each page. Nothing is run, shown or fetched that is not ours, but the map tiles that are configured."""
    pages = config.pages
    tiles = f" {_tile_origin(pages.tiles.url)}" if pages.tiles else ""
    issuer = f" {origin(pages.oidc.issuer)}" if pages.oidc else ""
    policy = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        f"img-src 'self' data: blob:{tiles}",
        "font-src 'self'",
        "connect-src 'self'",
        f"form-action 'self'{issuer}",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
    found = {
        "content-security-policy": "; ".join(policy),
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        # With no-referrer browsers say "Origin: null" in our own forms.
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "permissions-policy": "camera=(), geolocation=(self), microphone=(), payment=(), usb=()",
        "cache-control": "no-store",
    }
    if (pages.url or "").startswith("https:"):
        found["strict-transport-security"] = "max-age=31536000"
    return found


def is_ours(request: Request, config: Config) -> bool:
    """Whether a form was sent by a page of ours, as far as the browser says (Fetch Metadata; Origin, RFC 6454)."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    given = request.headers.get("origin")
    if given is None:
        return True  # no browser of today; the form's token counts
    hosts = {request.headers.get("host", ""), urlsplit(config.pages.url or "").netloc}
    return urlsplit(given).netloc in hosts - {""}


def _tile_origin(url: str) -> str:
    """Of a template: a subdomain in braces can be any."""
    host = urlsplit(url).netloc
    return f"{urlsplit(url).scheme}://{'*.' + host.partition('.')[2] if '{' in host else host}"
