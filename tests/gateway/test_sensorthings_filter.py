"""$filter: random expressions mean the same to the service as to plain Python, and no text takes the service down."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from bordstein_gateway.sensorthings_api import functions
from bordstein_gateway.sensorthings_api.evaluate import Compiler
from bordstein_gateway.sensorthings_api.kinds import KINDS
from bordstein_gateway.sensorthings_api.syntax import Mistake, parse
from bordstein_gateway.web import app as web
from tests.gateway.sensorthings_town import town

Tree = tuple[Any, ...]
_START = datetime(2026, 9, 21, 14, 0, tzinfo=UTC)
_WORDS = ("Marktplatz 7", "Käpt'n-Kai", "", "kai", "o'clock", "24a160000003", "a,b;(c)")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    state = town(tmp_path_factory.mktemp("town"))
    with TestClient(web.app(state)) as client:
        yield client
    state.store.close()


@pytest.fixture(scope="module")
def rows(client: TestClient) -> list[dict[str, Any]]:
    """All Observations with the names that are further away."""
    url = "/v1.1/Observations?$top=1000&$expand=Datastream($expand=Thing)"
    return [
        {
            "id": row["@iot.id"],
            "result": row["result"],
            "phenomenonTime": datetime.fromisoformat(row["phenomenonTime"]),
            "Datastream/id": row["Datastream"]["@iot.id"],
            "Datastream/Thing/name": row["Datastream"]["Thing"]["name"],
        }
        for row in client.get(url).json()["value"]
    ]


_moments = st.integers(-100, 9000).map(lambda seconds: _START + timedelta(seconds=seconds))
_numbers = st.recursive(
    st.one_of(
        st.integers(-50, 400).map(lambda value: ("number", value)),
        st.sampled_from([0.5, 20.125, -3.25, 280.5]).map(lambda value: ("number", value)),
        st.sampled_from(["id", "result", "Datastream/id"]).map(lambda path: ("path", path)),
        st.just(("call", "length", ("path", "Datastream/Thing/name"))),
        st.just(("call", "minute", ("path", "phenomenonTime"))),
    ),
    lambda inner: st.one_of(
        st.tuples(st.just("arithmetic"), st.sampled_from(["add", "sub", "mul", "div", "mod"]), inner, inner),
        st.tuples(st.just("call"), st.sampled_from(["floor", "ceiling", "round"]), inner),
    ),
    max_leaves=4,
)
_texts = st.one_of(
    st.sampled_from(_WORDS).map(lambda value: ("text", value)),
    st.just(("path", "Datastream/Thing/name")),
    st.just(("call", "tolower", ("path", "Datastream/Thing/name"))),
)
_times = st.one_of(_moments.map(lambda value: ("time", value)), st.just(("path", "phenomenonTime")))
_signs = st.sampled_from(["eq", "ne", "gt", "ge", "lt", "le"])
_conditions = st.recursive(
    st.one_of(
        *(st.tuples(st.just("compare"), _signs, kind, kind) for kind in (_numbers, _texts, _times)),
        st.tuples(st.just("call"), st.sampled_from(["startswith", "endswith", "contains"]), _texts, _texts),
        st.tuples(st.just("in"), _texts, st.lists(_texts, min_size=1, max_size=3)),
    ),
    lambda inner: st.one_of(
        st.tuples(st.just("not"), inner),
        st.tuples(st.sampled_from(["and", "or"]), inner, inner),
    ),
    max_leaves=6,
)


def written(tree: Tree) -> str:
    kind, *rest = tree
    if kind == "number":
        return str(rest[0])
    if kind == "text":
        return "'" + rest[0].replace("'", "''") + "'"
    if kind == "time":
        return str(rest[0].strftime("%Y-%m-%dT%H:%M:%SZ"))
    if kind == "path":
        return str(rest[0])
    if kind == "call":
        return f"{rest[0]}({','.join(written(one) for one in rest[1:])})"
    if kind == "not":
        return f"not ({written(rest[0])})"
    if kind == "in":
        return f"{written(rest[0])} in ({', '.join(written(one) for one in rest[1])})"
    if kind in ("and", "or"):
        return f"({written(rest[0])}) {kind} ({written(rest[1])})"
    return f"({written(rest[1])}) {rest[0]} ({written(rest[2])})"


def meant(tree: Tree, row: dict[str, Any]) -> Any:
    """As OData says, in other words than the service's: None where an operand does not fit."""
    kind, *rest = tree
    if kind in ("number", "text", "time"):
        return rest[0]
    if kind == "path":
        return row[rest[0]]
    if kind == "call":
        return _called(rest[0], [meant(one, row) for one in rest[1:]])
    if kind == "not":
        return not meant(rest[0], row)
    if kind in ("and", "or"):
        left, right = (meant(one, row) for one in rest)
        return left and right if kind == "and" else left or right
    if kind == "in":
        return meant(rest[0], row) in [meant(one, row) for one in rest[1]]
    left, right = (meant(one, row) for one in rest[1:])
    return _arithmetic(rest[0], left, right) if kind == "arithmetic" else _compared(rest[0], left, right)


def _called(name: str, values: list[Any]) -> Any:
    if name in ("floor", "ceiling", "round"):
        (value,) = values
        if not isinstance(value, int | float):
            return None
        half_up = math.copysign(math.floor(abs(value) + 0.5), value)
        return {"floor": math.floor(value), "ceiling": math.ceil(value), "round": half_up}[name]
    if name in ("length", "minute", "tolower"):
        (value,) = values
        return len(value) if name == "length" else value.minute if name == "minute" else value.lower()
    one, other = values
    return {"startswith": one[: len(other)] == other, "contains": other in one}.get(
        name, one[len(one) - len(other) :] == other and len(other) <= len(one)
    )


def _arithmetic(sign: str, left: Any, right: Any) -> Any:
    if not isinstance(left, int | float) or not isinstance(right, int | float):
        return None
    if sign in ("div", "mod"):
        return None if right == 0 else left / right if sign == "div" else math.fmod(left, right)
    return {"add": left + right, "sub": left - right, "mul": left * right}[sign]


def _compared(sign: str, left: Any, right: Any) -> bool:
    if sign in ("eq", "ne"):
        return (left == right) == (sign == "eq")
    if left is None or right is None or isinstance(left, str) != isinstance(right, str):
        return False
    return {"gt": left > right, "ge": left >= right, "lt": left < right, "le": left <= right}[sign]  # type: ignore[no-any-return]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=_conditions)
@example(tree=("compare", "eq", ("path", "id"), ("path", "Datastream/id")))
@example(
    tree=("and", ("compare", "lt", ("number", 5), ("path", "id")), ("compare", "le", ("path", "id"), ("number", 9)))
)
def test_a_filter_means_what_the_same_words_mean_in_python(
    client: TestClient, rows: list[dict[str, Any]], tree: Tree
) -> None:
    answer = client.get(
        "/v1.1/Observations", params={"$filter": written(tree), "$top": "1000", "$select": "id", "$count": "true"}
    )
    assert answer.status_code == 200, (written(tree), answer.text)
    wanted = {row["id"] for row in rows if meant(tree, row) is True}
    content = answer.json()
    assert {one["@iot.id"] for one in content["value"]} == wanted, written(tree)
    assert content["@iot.count"] == len(wanted)


_PIECES = st.sampled_from(
    [
        *(
            "name",
            "id",
            "result",
            "Datastreams/",
            "properties/x",
            "'x'",
            "'",
            "(",
            ")",
            ",",
            ";",
            "/",
            "-",
            "1",
            "1e999",
            " ",
        ),
        *("and", "or", "not", "eq", "in", "add", "div", "null", "true", "geography'POINT (1 2)'", "geography'x'"),
        *(
            "duration'P1D'",
            "2026-01-01T00:00:00Z",
            "2026-01-01",
            "10:00",
            "now()",
            "st_within(",
            "substring(",
            "$top=",
            "Ω",
        ),
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    option=st.sampled_from(["$filter", "$expand", "$orderby", "$select", "$top", "$skip", "$skiptoken"]),
    text=st.one_of(
        st.text(max_size=40), st.lists(_PIECES, max_size=12).map(" ".join), st.lists(_PIECES, max_size=6).map("".join)
    ),
    kind=st.sampled_from(["Things", "Datastreams", "Observations"]),
)
@example("$filter", "phenomenonTime gt 0000-01-01T00:00:00Z", "Observations")
@example("$filter", "phenomenonTime gt 0001-01-01T00:00:00+23:00", "Observations")
@example("$filter", "phenomenonTime lt maxdatetime() add duration'P1D'", "Observations")
@example("$filter", "phenomenonTime lt now() add duration'P99999999999999D'", "Observations")
@example("$filter", "result mul 1e308 mul 1e308 gt round(result mul 1e308 mul 1e308)", "Observations")
@example("$filter", "geo.length(geography'POINT EMPTY') eq 0 or -result gt 1", "Observations")
@example("$filter", "id gt 99999999999999999999999999", "Observations")
@example("$filter", "substring(name,9999999999999999999999) eq ''", "Things")
@example("$filter", "st_relate(Locations/location,geography'POINT (1 2)',name)", "Things")
@example("$filter", "concat(name,name) eq concat(1,2)", "Things")
@example("$filter", "id gt 1" + "0" * 5000, "Things")
@example("$skiptoken", "999999999999999999.999999999999999999", "Observations")
@example("$orderby", "result desc,phenomenonTime,parameters,id", "Observations")
def test_no_text_takes_the_service_down(client: TestClient, option: str, text: str, kind: str) -> None:
    answer = client.get(f"/v1.1/{kind}", params={option: text})
    assert answer.status_code in (200, 400), answer.text
    if answer.status_code == 400:
        assert answer.json()["message"]


class Reader:
    """Entities as plain dictionaries: what evaluating needs of them is this."""

    def value(self, entity: Any, name: str) -> Any:
        return entity[name]

    def follow(self, entity: Any, relation: str) -> Any:
        return entity[relation]

    def each(self, entity: Any, relation: str) -> Any:
        return entity[relation]


def evaluated(text: str) -> Any:
    expression = parse("filter", "$filter", text)
    return Compiler(KINDS["Things"], Reader(), "$filter").expression(expression).of({"name": "Ä b", "Datastreams": []})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("substring(name,2)", "b"),
        ("substring('abcde',1,2)", "bc"),
        ("substringof('b',name)", True),
        ("concat(concat(toupper(trim(' x ')),'-'),tolower(name))", "X-ä b"),
        ("round(2.5) add round(-2.5)", 0),
        ("-5 mod 3", -2),
        ("1 div 0", None),
        ("2 add 3 mul 4", 14),
        ("(2 add 3) mul 4", 20),
        ("not true or true", True),
        ("true or true and false", True),
        ("year(2026-11-24T23:30:00-01:00) sub hour(2026-11-24T23:30:00-01:00)", 2003),
        ("totaloffsetminutes(2026-11-24T23:30:00-01:30)", -90),
        ("fractionalseconds(2026-11-24T23:30:00.25Z)", 0.25),
        ("date(2026-11-24T23:30:00Z) eq 2026-11-24", True),
        ("time(2026-11-24T23:30:00Z) gt 11:00", True),
        ("2026-11-24T23:30:00Z eq 2026-11-25T00:30:00+01:00", True),
        ("duration'P1DT2H' sub duration'PT2H' eq duration'PT24H'", True),
        ("2026-11-24T00:00:00Z add duration'-P1D' lt 2026-11-23T00:00:01Z", True),
        ("overlaps(2026-01-01T00:00:00Z/2026-01-03T00:00:00Z,2026-01-02T00:00:00Z)", True),
        ("meets(2026-01-01T00:00:00Z/2026-01-02T00:00:00Z,2026-01-02T00:00:00Z/2026-01-03T00:00:00Z)", True),
        ("after(2026-01-01T00:00:00Z,2026-01-02T00:00:00Z)", False),
        ("geo.distance(geography'POINT (0 0)',geography'POINT (3 4)')", 5),
        ("geo.length(geography'LINESTRING (0 0,0 2)')", 2),
        ("st_touches(geography'POINT (0 0)',geography'LINESTRING (0 0,0 2)')", True),
        ("st_crosses(geography'LINESTRING (-1 1,1 1)',geography'LINESTRING (0 0,0 2)')", True),
        ("null eq null and null ne 1 and not (null gt 1)", True),
        ("'a' eq 1", False),
        ("'a' gt 1 or 'a' le 1", False),
    ],
)
def test_functions_and_operators(text: str, value: Any) -> None:
    """By OGC 18-088 section 9.3.3.5 and OData 4.0 part 2 section 5.1.1."""
    assert evaluated(text) == value


def test_every_function_is_known_by_the_name_of_the_standard() -> None:
    """OGC 18-088 table 23."""
    standard = """substringof endswith startswith length indexof substring tolower toupper trim concat year month day
        hour minute second fractionalseconds date time totaloffsetminutes now mindatetime maxdatetime round floor
        ceiling geo.distance geo.length geo.intersects st_equals st_disjoint st_touches st_within st_overlaps st_crosses
        st_intersects st_contains st_relate"""
    assert set(standard.split()) <= functions.FUNCTIONS.keys()


def test_a_deep_tree_and_a_long_one_are_refused_and_cost_nothing() -> None:
    for text in ("(" * 5000 + "true" + ")" * 5000, " and ".join(["true"] * 2000), "x" * 20_000):
        with pytest.raises(Mistake):
            parse("filter", "$filter", text)
