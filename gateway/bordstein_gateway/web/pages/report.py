"""The report of a year at /app/report/YEAR: what each rule brought, and where it brought nothing; for print and CSV."""

import asyncio

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ...cases.ledger import report, table, years
from ...rules.sheet import words
from ..pagetexts import number
from .office import OfficeView
from .rights import Right, User
from .site import Site


class Pages:
    """The views of one site."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._office = OfficeView(site)

    async def newest(self, request: Request, user: User) -> Response:
        """This year's."""
        clock = self._office.clock(request)
        return RedirectResponse(f"/app/report/{clock.local(clock.now).year}", 303)

    async def show(self, request: Request, user: User) -> Response:
        """One year; ?format=csv as a file."""
        year, clock = int(request.path_params["year"]), self._office.clock(request)
        if not 2000 <= year <= 9999:
            raise HTTPException(404)
        found = await asyncio.to_thread(lambda: report(self._site.store, year, self._office.sheets()))
        if request.query_params.get("format") == "csv":
            headers = {"content-disposition": f'attachment; filename="bericht-{year}.csv"'}
            return Response(table(found, clock.lang).encode(), media_type="text/csv; charset=utf-8", headers=headers)
        known = await asyncio.to_thread(years, self._site.store)
        return self._site.page(
            *(request, user, "audit/report.html"),
            found=found,
            titles=await asyncio.to_thread(
                lambda: {n: words(s.title, clock.lang) for n, s in self._office.sheets().items()}
            ),
            clock=clock,
            years=sorted({*known, year, clock.local(clock.now).year}, reverse=True),
            short=lambda value: (
                "–" if value is None else number(round(value, 1), clock.lang).removesuffix(",0").removesuffix(".0")
            ),
        )


def routes(site: Site) -> list[Route]:
    """All addresses of the report."""
    pages = Pages(site)
    return [
        site.get("/app/report", pages.newest, Right.DISPATCH),
        site.get("/app/report/{year:int}", pages.show, Right.DISPATCH),
    ]
