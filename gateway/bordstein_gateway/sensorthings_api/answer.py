"""Entities as the answer's JSON: members, links, and what $expand, $select, $count and pages ask for.

Source: OGC 18-088 sections 8.1 and 9.3.2.
"""

from collections.abc import Callable
from typing import Any

from .catalogue import Entity
from .evaluate import Compiler, below
from .kinds import KINDS, Kind
from .observations import Query
from .options import Options, query
from .ordering import arranged, orders
from .syntax import Mistake
from .view import Some, View


class Listed:
    """A set of entities: `url` of the set, `entities` (or, of Observations, the `series` they are of)."""

    def __init__(
        self, kind: Kind, url: str, entities: list[Entity] | None = None, series: frozenset[int] = frozenset()
    ) -> None:
        self.kind = kind
        self.url = url
        self.entities = entities or []
        self.series = series


class Found:
    """A page: `entities`, `count` if it was asked for, `following`: the options of the next page."""

    def __init__(self, entities: list[Any], count: int | None, following: Options | None) -> None:
        self.entities = entities
        self.count = count
        self.following = following


class Answer:
    """For one request. `base`: the service's address."""

    def __init__(self, view: View, base: str) -> None:
        self._view = view
        self.base = base
        self._made: dict[tuple[int, str], Any] = {}  # what nested options compile to, by the options
        plain = Query(view, Options())
        view.observations = plain.newest_first

    def listed(self, entity: Some, relation: str) -> Listed:
        """The set at the end of a relation to many."""
        kind = KINDS[entity.kind.many[relation]]
        url = f"{self.url(entity)}/{relation}"
        if kind.name == "Observations":
            return Listed(kind, url, series=self._view.series_of(entity))
        return Listed(kind, url, self._view.related(entity, relation))

    def url(self, entity: Some) -> str:
        """An entity's address."""
        return f"{self.base}/{entity.kind.name}({entity.id})"

    def page(self, listed: Listed, options: Options) -> Found:
        """The entities of a page, as they are."""
        limit = min(options.page, max(self._view.left, 0))
        if listed.kind.name == "Observations":
            return self._observations(listed, options, limit)
        some = listed.entities
        kind, view = listed.kind, self._view
        if options.filter is not None:
            holds = self._once(options, "filter", lambda: Compiler(kind, view, "$filter").condition(options.filter))
            some = [entity for entity in some if view.in_time() or holds(entity)]
        if options.orderby is not None:
            some = arranged(some, self._once(options, "orderby", lambda: orders(options.orderby, kind, view)))
        page = some[options.skip : options.skip + limit]
        self._view.left -= len(page)
        skip = options.skip + len(page)
        more = skip < len(some) and options.page > 0
        return Found(page, len(some) if options.count else None, _following(options, skip, None) if more else None)

    def collection(self, listed: Listed, options: Options) -> dict[str, Any]:
        """A page as JSON."""
        found = self.page(listed, options)
        content: dict[str, Any] = {}
        if found.count is not None:
            content["@iot.count"] = found.count
        if found.following is not None:
            content["@iot.nextLink"] = f"{listed.url}?{query(found.following.pairs())}"
        content["value"] = [self.entity(entity, options) for entity in found.entities]
        return content

    def entity(self, entity: Some, options: Options) -> dict[str, Any]:
        """One entity as JSON, with what its options select and expand."""
        url = self.url(entity)
        select = options.select
        if select is None:
            content: dict[str, Any] = {"@iot.selfLink": url, "@iot.id": entity.id}
            for name in entity.kind.properties:
                value = self._view.json(entity, name)
                if value is not None:
                    content[name] = value
            links = [name for name in entity.kind.relations if name not in options.expand]
        else:
            content = self._selected(entity, select, url)
            links = [names[0] for names in select if names[0] in entity.kind.relations]
        for relation in links:
            content[f"{relation}@iot.navigationLink"] = f"{url}/{relation}"
        for relation, nested in options.expand.items():
            self._expand(content, entity, relation, nested)
        return content

    def references(self, listed: Listed, options: Options) -> dict[str, Any]:
        """A page of links alone ($ref)."""
        found = self.page(listed, options)
        content: dict[str, Any] = {"value": [{"@iot.selfLink": self.url(entity)} for entity in found.entities]}
        if found.count is not None:
            content["@iot.count"] = found.count
        if found.following is not None:
            content["@iot.nextLink"] = f"{listed.url}/$ref?{query(found.following.pairs())}"
        return content

    def count(self, listed: Listed, options: Options) -> int:
        """How many there are, whatever the page."""
        found = self.page(listed, Options(filter=options.filter, texts=options.texts, top=0, count=True))
        return found.count or 0

    def _selected(self, entity: Some, select: list[list[str]], url: str) -> dict[str, Any]:
        content: dict[str, Any] = {}
        for first, *rest in select:
            if first in ("id", "@iot.id"):
                content["@iot.id"] = entity.id
            elif first == "@iot.selfLink":
                content[first] = url
            elif first in entity.kind.properties:
                value = self._view.json(entity, first)
                if rest:
                    _put(content, [first, *rest], below(value, rest))
                elif value is not None:
                    content[first] = value
        return content

    def _expand(self, content: dict[str, Any], entity: Some, relation: str, options: Options) -> None:
        if relation in entity.kind.one:
            other = self._view.follow(entity, relation)
            if other is not None:
                self._view.left -= 1
                content[relation] = self.entity(other, options)
            return
        page = self.collection(self.listed(entity, relation), options)
        content[relation] = page.pop("value")
        for member, value in page.items():
            content[f"{relation}{member}"] = value

    def _observations(self, listed: Listed, options: Options, limit: int) -> Found:
        made: Query = self._once(options, "query", lambda: Query(self._view, options))
        count = made.count(listed.series) if options.count else None
        if options.page == 0:
            return Found([], count, None)
        if limit == 0:
            return Found([], count, _following(options, options.skip, options.token))
        page = made.page(listed.series, limit)
        self._view.left -= len(page.rows)
        following = None if page.token is None else _following(options, page.skip, page.token)
        return Found(page.rows, count, following)

    def _once(self, options: Options, what: str, make: Callable[[], Any]) -> Any:
        key = id(options), what
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]


def only_of_one(options: Options) -> None:
    """Of a single entity $select and $expand can be asked, no more. Mistake."""
    wrong = [name for name, _ in options.pairs() if name not in ("$select", "$expand", "$resultFormat")]
    if wrong:
        raise Mistake(
            f"{wrong[0]} gilt für Mengen von Objekten, dies ist eines.",
            f"{wrong[0]} is for sets of entities, this is one.",
        )


def _following(options: Options, skip: int, token: str | None) -> Options:
    return Options(**{**vars(options), "skip": skip, "token": token})


def _put(content: dict[str, Any], names: list[str], value: Any) -> None:
    """Set a member below others: what else is selected there stays."""
    for name in names[:-1]:
        content = content.setdefault(name, {})
        if not isinstance(content, dict):
            return
    if value is not None:
        content[names[-1]] = value
