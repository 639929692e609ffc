"""Syntax trees of $filter and $orderby made into functions of an entity. Unknown names are Mistakes with their place.

A path over a relation to many has many values: a comparison or a function of truth holds when it does for any of them.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import Any, NamedTuple, Protocol

from . import functions, spatial
from .functions import FUNCTIONS
from .kinds import KINDS, Kind
from .literals import LITERALS
from .syntax import mistake

Tree = Any
COMBINATIONS = 100_000
"""Of values of paths that have many, in one expression of one request."""


class Reader(Protocol):
    """What is asked of the entities while a filter is evaluated."""

    def value(self, entity: Any, name: str) -> Any:
        """A property, times as datetime or Period; None where it has none."""

    def follow(self, entity: Any, relation: str) -> Any:
        """The entity at the end of a relation to one; None: there is none."""

    def each(self, entity: Any, relation: str) -> Iterable[Any]:
        """The entities at the end of a relation to many."""


class Expression(NamedTuple):
    """`of`: its value for an entity; when `many`, an iterator over its values. `paths`: what it reads."""

    of: Callable[[Any], Any]
    many: bool = False
    paths: frozenset[tuple[str, ...]] = frozenset()


class Compiler:
    """For entities of one kind; `option` is named in Mistakes."""

    def __init__(self, kind: Kind, reader: Reader, option: str) -> None:
        self._kind = kind
        self._reader = reader
        self._option = option
        self._combinations = 0

    def condition(self, tree: Tree) -> Callable[[Any], bool]:
        """True where the filter holds."""
        return holds(self.expression(tree))

    def expression(self, tree: Tree) -> Expression:
        """Any expression."""
        made: Expression = getattr(self, f"_{tree.data}")(tree)
        return made

    # Logic

    def _filter(self, tree: Tree) -> Expression:
        return self.expression(tree.children[0])

    def _group(self, tree: Tree) -> Expression:
        return self.expression(tree.children[1])

    def _or_(self, tree: Tree) -> Expression:
        left, right = (self.expression(child) for child in tree.children)
        one, other = holds(left), holds(right)
        return Expression(lambda entity: one(entity) or other(entity), paths=left.paths | right.paths)

    def _and_(self, tree: Tree) -> Expression:
        left, right = (self.expression(child) for child in tree.children)
        one, other = holds(left), holds(right)
        return Expression(lambda entity: one(entity) and other(entity), paths=left.paths | right.paths)

    def _not_(self, tree: Tree) -> Expression:
        made = self.expression(tree.children[0])
        if made.many:
            holding = holds(made)
            return Expression(lambda entity: not holding(entity), paths=made.paths)
        of = made.of

        def negated(entity: Any) -> Any:
            value = of(entity)
            return not value if isinstance(value, bool) else None

        return Expression(negated, paths=made.paths)

    def _compare(self, tree: Tree) -> Expression:
        left, sign, right = tree.children
        sign = str(sign)
        return self._combined([left, right], lambda a, b: functions.compare(sign, a, b), truth=True)

    def _in_(self, tree: Tree) -> Expression:
        some = tree.children[1].children[1::2]
        return self._combined(
            [tree.children[0], *some],
            lambda value, *choices: any(functions.compare("eq", value, choice) for choice in choices),
            truth=True,
        )

    # Values

    def _arithmetic(self, tree: Tree) -> Expression:
        left, sign, right = tree.children
        sign = str(sign)
        return self._combined([left, right], lambda a, b: functions.arithmetic(sign, a, b))

    def _minus(self, tree: Tree) -> Expression:
        return self._combined(tree.children, functions.minus)

    def _call(self, tree: Tree) -> Expression:
        name, arguments = tree.children[0], tree.children[2:-1:2]
        function = FUNCTIONS.get(str(name).lower())
        if function is None:
            known = ", ".join(sorted(FUNCTIONS))
            raise self._mistake(
                name.start_pos,
                f"eine Funktion {name} gibt es nicht; es gibt {known}",
                f"there is no function {name}; there are {known}",
            )
        if not function.least <= len(arguments) <= function.most:
            least, most = function.least, function.most
            count = str(least) if least == most else f"{least}–{most}"
            raise self._mistake(
                name.start_pos,
                f"{name} nimmt {count} Argumente, hier stehen {len(arguments)}",
                f"{name} takes {count} arguments, here are {len(arguments)}",
            )
        if function.spatial:

            def do(*values: Any) -> Any:
                shapes = [value if isinstance(value, str) else spatial.from_value(value) for value in values]
                return functions.call(function, shapes)

        else:

            def do(*values: Any) -> Any:
                return functions.call(function, list(values))

        return self._combined(arguments, do)

    def _literal(self, tree: Tree) -> Expression:
        token = tree.children[0]
        try:
            value = LITERALS[token.type](str(token))
        except (ValueError, OverflowError) as error:
            raise self._mistake(
                token.start_pos, f"{token} ist nicht lesbar: {error}", f"{token} can't be read: {error}"
            ) from None
        return Expression(lambda _: value)

    def _combined(self, trees: list[Tree], do: Callable[..., Any], *, truth: bool = False) -> Expression:
        """do() of the values of some trees; of every combination where one of them has many."""
        parts = [self.expression(tree) for tree in trees]
        paths = frozenset[tuple[str, ...]]().union(*(part.paths for part in parts))
        getters = [part.of for part in parts]
        if not any(part.many for part in parts):
            if len(getters) == 1:
                (only,) = getters
                return Expression(lambda entity: do(only(entity)), paths=paths)
            if len(getters) == 2:
                left, right = getters
                return Expression(lambda entity: do(left(entity), right(entity)), paths=paths)
            return Expression(lambda entity: do(*(get(entity) for get in getters)), paths=paths)
        plural = [part.many for part in parts]
        if sum(plural) == 1:
            place = plural.index(True)

            def each(entity: Any) -> Iterator[Any]:
                values = [None if many else get(entity) for get, many in zip(getters, plural, strict=True)]
                for value in getters[place](entity):
                    values[place] = value
                    yield do(*values)

        else:

            def each(entity: Any) -> Iterator[Any]:
                sources = (get(entity) if many else (get(entity),) for get, many in zip(getters, plural, strict=True))
                for values in product(*sources):
                    self._combinations += 1
                    if self._combinations > COMBINATIONS:
                        raise self._mistake(
                            0,
                            "zu viele Werte wären miteinander zu vergleichen; weniger Pfade über viele Objekte",
                            "too many values would have to be compared; name fewer paths over many entities",
                        )
                    yield do(*values)

        if truth:
            return Expression(lambda entity: any(each(entity)), paths=paths)
        return Expression(each, many=True, paths=paths)

    # Paths

    def _path(self, tree: Tree) -> Expression:
        tokens = list(tree.children)
        names = [str(token) for token in tokens]
        kind = self._kind
        if names[0] in (kind.name, kind.singular) and len(names) > 1 and names[0] not in kind.relations:
            del names[0], tokens[0]  # Masterportal says Things/name to Things
        paths = frozenset({tuple(names)})
        steps: list[tuple[str, bool]] = []
        for place, (name, token) in enumerate(zip(names, tokens, strict=True)):
            rest = names[place + 1 :]
            if name in kind.one:
                steps.append((name, False))
                kind = KINDS[kind.one[name]]
            elif name in kind.many:
                steps.append((name, True))
                kind = KINDS[kind.many[name]]
            elif name in ("id", "@iot.id") and not rest:
                return self._walk(steps, lambda entity: entity.id, paths)
            elif name in kind.properties and (not rest or kind.properties[name] == "json"):
                return self._walk(steps, self._property(name, rest), paths)
            else:
                known = ", ".join(["id", *kind.properties, *kind.relations])
                if name in kind.properties:
                    de, en = f"unter {name} gibt es nichts", f"{name} has nothing below it"
                else:
                    de, en = f"{kind.name}: {name} gibt es nicht", f"a {kind.singular} has no {name}"
                raise self._mistake(token.start_pos, f"{de}; es gibt {known}", f"{en}; it has {known}")
        end = tokens[-1].end_pos
        raise self._mistake(
            end,
            f"{'/'.join(names)} ist kein Wert; eine Eigenschaft muss folgen, wie in {names[-1]}/id",
            f"{'/'.join(names)} is no value; a property has to follow, as in {names[-1]}/id",
        )

    def _property(self, name: str, rest: list[str]) -> Callable[[Any], Any]:
        value = self._reader.value
        if not rest:
            return lambda entity: value(entity, name)
        return lambda entity: below(value(entity, name), rest)

    def _walk(
        self, steps: list[tuple[str, bool]], last: Callable[[Any], Any], paths: frozenset[tuple[str, ...]]
    ) -> Expression:
        """last() at the end of some relations."""
        of = last
        many = False
        for relation, plural in reversed(steps):
            of, many = self._step(relation, of, many=many, plural=plural), many or plural
        return Expression(of, many, paths)

    def _step(self, relation: str, then: Callable[[Any], Any], *, many: bool, plural: bool) -> Callable[[Any], Any]:
        reader = self._reader
        if plural:

            def each(entity: Any) -> Iterator[Any]:
                for other in reader.each(entity, relation):
                    if many:
                        yield from then(other)
                    else:
                        yield then(other)

            return each

        def one(entity: Any) -> Any:
            other = reader.follow(entity, relation)
            return (() if many else None) if other is None else then(other)

        return one

    def _mistake(self, position: int, de: str, en: str) -> Exception:
        return mistake(self._option, position, de, en)


def holds(made: Expression) -> Callable[[Any], bool]:
    """Whether an expression is true for an entity."""
    of = made.of
    if made.many:
        return lambda entity: any(value is True for value in of(entity))
    return lambda entity: of(entity) is True


def below(value: Any, names: Iterable[str]) -> Any:
    """What lies deeper in a JSON value; None where there is nothing."""
    for name in names:
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def conjuncts(tree: Tree) -> list[Tree]:
    """The conditions that all have to hold."""
    if tree.data == "filter":
        return conjuncts(tree.children[0])
    if tree.data == "group" and tree.children[1].data in ("and_", "group"):
        return conjuncts(tree.children[1])
    if tree.data == "and_":
        return [one for child in tree.children for one in conjuncts(child)]
    return [tree]
