"""`/contexts/<name>`: the JSON-LD contexts of what is sent to NGSI-LD brokers, for the brokers to fetch."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..forward.ngsi_ld.contexts import documents

_HEADERS = {
    # A name says its version, and a version stays as it is.
    "cache-control": "public, max-age=86400",
    "access-control-allow-origin": "*",
    "x-content-type-options": "nosniff",
}


async def endpoint(request: Request) -> Response:
    """The context of this name, or all names there are."""
    content = documents().get(request.path_params["name"])
    if content is None:
        return JSONResponse({"contexts": sorted(documents())}, status_code=404)
    return Response(content, media_type="application/ld+json", headers=_HEADERS)
