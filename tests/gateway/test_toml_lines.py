import tomllib

from hypothesis import given
from hypothesis import strategies as st

from bordstein_gateway.config.toml_lines import Path, key_lines, line_of

TEXT = '''# [not.a.table]
top = 1
a.b.c = "x = 1 # no comment"   # a comment
[table]
"quoted\\u0020key" = 'literal \\'
text = """
inside = 1
[inside]
"""""
raw = \'\'\'
inside = 2\'\'\'
list = [
  1, # one
  "two]",
  { x = 1, y = { z = [2,
     3] } },
]
[table.sub]
date = 2026-07-01T12:00:00Z
[[array]]
id = 1
[[array]]
id = 2
[array.below]
key = true
[[array.inner]]
deep = 1
[[array.inner]]
deep = 2
[table.last]
\t"π" = -1.5e3
'''


def paths(values: object, path: Path = ()) -> set[Path]:
    found = {path} if path else set()
    if isinstance(values, dict):
        for key, value in values.items():
            found |= paths(value, (*path, key))
    elif isinstance(values, list):
        for place, value in enumerate(values):
            found |= paths(value, (*path, place))
    return found


def test_every_key_has_the_line_it_stands_in() -> None:
    lines = key_lines(TEXT)
    assert set(lines) == paths(tomllib.loads(TEXT))
    assert lines[("a", "b", "c")] == 3
    assert lines[("table", "quoted key")] == 5
    assert lines[("table", "raw")] == 10
    assert lines[("table", "list", 1)] == 14
    assert lines[("table", "list", 2, "y", "z", 1)] == 16
    assert lines[("array", 1)] == 22
    assert lines[("array", 1, "below", "key")] == 25
    assert lines[("array", 1, "inner", 1, "deep")] == 29
    assert lines[("table", "last", "π")] == 31


def test_what_is_not_written_has_the_line_of_what_it_belongs_into() -> None:
    lines = key_lines(TEXT)
    assert line_of(lines, ("table", "sub", "missing")) == 18
    assert line_of(lines, ("nowhere", "missing")) == 1


keys = st.from_regex(r"\A[A-Za-z0-9_-]{1,4}\Z")
scalars = st.sampled_from(["1", "true", '"a\\"]#"', "'''\n]'''", '"""\n=\n"""', "1979-05-27", "[]", "{}", "-inf"])
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[\n" + " , # x\n".join(items) + "]")
        | st.dictionaries(keys, inner, max_size=3).map(
            lambda d: "{ " + ", ".join(f"{k} = {v}" for k, v in d.items()) + " }"
        )
    ),
    max_leaves=6,
)


@given(st.dictionaries(keys, values, max_size=4), st.dictionaries(keys, st.dictionaries(keys, values), max_size=3))
def test_exactly_the_keys_that_tomllib_reads_are_found(top: dict[str, str], tables: dict[str, dict[str, str]]) -> None:
    lines = [f"{key} = {value}" for key, value in top.items()]
    for name, content in tables.items():
        if name not in top:
            lines += [f"[{name}]", *(f"{key} = {value}" for key, value in content.items())]
    text = "\n".join(lines)
    assert set(key_lines(text)) == paths(tomllib.loads(text))
