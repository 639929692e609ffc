"""SenML. The examples are those of RFC 8428; their section stands beside each."""

import base64
import json
import math
from decimal import Decimal

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bordstein_gateway.decode import senml
from bordstein_gateway.decode.senml import DecodeError, Record

NOW = 1_800_000_000.25


def decode(text: str) -> list[Record]:
    return senml.decode(text.encode(), now=NOW)


def reason(payload: str | bytes) -> str:
    with pytest.raises(DecodeError) as caught:
        senml.decode(payload.encode() if isinstance(payload, str) else payload, now=NOW)
    text = str(caught.value)
    assert "\n" not in text and 0 < len(text) < 200
    return text


# --- the RFC's own examples ----------------------------------------------------------------------------------------


def test_section_5_1_1_single_datapoint_is_taken_now() -> None:
    records = decode('[{"n":"urn:dev:ow:10e2073a01080063","u":"Cel","v":23.1}]')
    assert records == [Record("urn:dev:ow:10e2073a01080063", NOW, "Cel", 23.1)]


def test_section_5_1_2_multiple_datapoints_share_a_base_name() -> None:
    records = decode("""[
        {"bn":"urn:dev:ow:10e2073a01080063:","n":"voltage","u":"V","v":120.1},
        {"n":"current","u":"A","v":1.2}
    ]""")
    assert [senml.plain(record) for record in records] == [
        {"n": "urn:dev:ow:10e2073a01080063:voltage", "u": "V", "t": NOW, "v": 120.1},
        {"n": "urn:dev:ow:10e2073a01080063:current", "u": "A", "t": NOW, "v": 1.2},
    ]


SECTION_5_1_2_TIMES = """[
    {"bn":"urn:dev:ow:10e2073a01080063:","bt":1.276020076001e+09,"bu":"A","bver":5,"n":"voltage","u":"V","v":120.1},
    {"n":"current","t":-5,"v":1.2},
    {"n":"current","t":-4,"v":1.3},
    {"n":"current","t":-3,"v":1.4},
    {"n":"current","t":-2,"v":1.5},
    {"n":"current","t":-1,"v":1.6},
    {"n":"current","v":1.7}
]"""


def test_section_5_1_2_times_count_from_the_base_time_and_come_in_order() -> None:
    records = decode(SECTION_5_1_2_TIMES)
    assert [record.t for record in records] == [
        *(1276020071.001, 1276020072.001, 1276020073.001, 1276020074.001, 1276020075.001),
        *(1276020076.001, 1276020076.001),
    ]
    assert [(record.n.rpartition(":")[2], record.u, record.v) for record in records] == [
        *(("current", "A", value) for value in (1.2, 1.3, 1.4, 1.5, 1.6)),
        ("voltage", "V", 120.1),
        ("current", "A", 1.7),
    ]
    assert {record.bver for record in records} == {5}


def test_reading_keeps_the_packs_order() -> None:
    assert [record.v for record in senml.read(SECTION_5_1_2_TIMES.encode())] == [120.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7]


SECTION_5_1_3 = """[
    {"bn":"urn:dev:ow:10e2073a01080063","bt":1.320067464e+09,"bu":"%RH","v":20},
    {"u":"lon","v":24.30621},
    {"u":"lat","v":60.07965},
    {"t":60,"v":20.3},
    {"u":"lon","t":60,"v":24.30622},
    {"u":"lat","t":60,"v":60.07965},
    {"t":120,"v":20.7},
    {"u":"lon","t":120,"v":24.30623},
    {"u":"lat","t":120,"v":60.07966},
    {"u":"%EL","t":150,"v":98},
    {"t":180,"v":21.2},
    {"u":"lon","t":180,"v":24.30628},
    {"u":"lat","t":180,"v":60.07967}
]"""
SECTION_5_1_4 = """[
    {"n":"urn:dev:ow:10e2073a01080063","u":"%RH","t":1.320067464e+09,"v":20},
    {"n":"urn:dev:ow:10e2073a01080063","u":"lon","t":1.320067464e+09,"v":24.30621},
    {"n":"urn:dev:ow:10e2073a01080063","u":"lat","t":1.320067464e+09,"v":60.07965},
    {"n":"urn:dev:ow:10e2073a01080063","u":"%RH","t":1.320067524e+09,"v":20.3},
    {"n":"urn:dev:ow:10e2073a01080063","u":"lon","t":1.320067524e+09,"v":24.30622},
    {"n":"urn:dev:ow:10e2073a01080063","u":"lat","t":1.320067524e+09,"v":60.07965},
    {"n":"urn:dev:ow:10e2073a01080063","u":"%RH","t":1.320067584e+09,"v":20.7},
    {"n":"urn:dev:ow:10e2073a01080063","u":"lon","t":1.320067584e+09,"v":24.30623},
    {"n":"urn:dev:ow:10e2073a01080063","u":"lat","t":1.320067584e+09,"v":60.07966},
    {"n":"urn:dev:ow:10e2073a01080063","u":"%EL","t":1.320067614e+09,"v":98},
    {"n":"urn:dev:ow:10e2073a01080063","u":"%RH","t":1.320067644e+09,"v":21.2},
    {"n":"urn:dev:ow:10e2073a01080063","u":"lon","t":1.320067644e+09,"v":24.30628},
    {"n":"urn:dev:ow:10e2073a01080063","u":"lat","t":1.320067644e+09,"v":60.07967}
]"""


def test_section_5_1_3_resolves_to_section_5_1_4() -> None:
    assert [senml.plain(record) for record in decode(SECTION_5_1_3)] == json.loads(SECTION_5_1_4)


def test_section_5_1_4_resolved_records_stay_as_they_are() -> None:
    assert [senml.plain(record) for record in decode(SECTION_5_1_4)] == json.loads(SECTION_5_1_4)


def test_section_5_1_5_multiple_data_types() -> None:
    records = decode("""[
        {"bn":"urn:dev:ow:10e2073a01080063:","n":"temp","u":"Cel","v":23.1},
        {"n":"label","vs":"Machine Room"},
        {"n":"open","vb":false},
        {"n":"nfc-reader","vd":"aGkgCg"}
    ]""")
    assert [(record.v, record.vs, record.vb, record.vd) for record in records] == [
        (23.1, None, None, None),
        (None, "Machine Room", None, None),
        (None, None, False, None),
        (None, None, None, b"hi \n"),
    ]
    assert senml.plain(records[3])["vd"] == "aGkgCg"


def test_section_5_1_6_collection_of_resources() -> None:
    records = decode("""[
        {"bn":"2001:db8::2/","bt":1.320078429e+09,"n":"temperature","u":"Cel","v":25.2},
        {"n":"humidity","u":"%RH","v":30},
        {"bn":"2001:db8::1/","n":"temperature","u":"Cel","v":12.3},
        {"n":"humidity","u":"%RH","v":67}
    ]""")
    assert [(record.n, record.t, record.v) for record in records] == [
        ("2001:db8::2/temperature", 1320078429.0, 25.2),
        ("2001:db8::2/humidity", 1320078429.0, 30),
        ("2001:db8::1/temperature", 1320078429.0, 12.3),
        ("2001:db8::1/humidity", 1320078429.0, 67),
    ]


def test_section_5_1_7_actuators_may_lie_in_the_future() -> None:
    records = decode("""[
        {"bt":1.320078429e+09,"bu":"/","n":"2001:db8::3","v":1},
        {"n":"2001:db8::4","v":1},
        {"n":"2001:db8::3","t":0.1,"v":0},
        {"n":"2001:db8::4","t":0.1,"v":0}
    ]""")
    assert [record.t for record in records] == [1320078429.0, 1320078429.0, 1320078429.1, 1320078429.1]
    assert {record.u for record in records} == {"/"}
    assert decode('[{"bt":0.02,"n":"light","vb":true}]')[0].t == NOW + 0.02
    assert [record.vb for record in decode('[{"bn":"a:","n":"heat","vb":true},{"n":"fan","vb":false}]')] == [
        True,
        False,
    ]


def test_section_6_cbor() -> None:
    payload = bytes.fromhex(
        "87a7 21781c 75726e3a6465763a6f773a313065323037336130313038303036333a 22fb41d303a15b001062 236141 2005"
        "00 67766f6c74616765 01 6156 02 fb405e066666666666"
        "a3 00 6763757272656e74 06 24 02 fb3ff3333333333333 a3 00 6763757272656e74 06 23 02 fb3ff4cccccccccccd"
        "a3 00 6763757272656e74 06 22 02 fb3ff6666666666666 a3 00 6763757272656e74 06 21 02 f93e00"
        "a3 00 6763757272656e74 06 20 02 fb3ff999999999999a a3 00 6763757272656e74 06 00 02 fb3ffb333333333333"
    )
    assert senml.decode(payload, now=NOW) == decode(SECTION_5_1_2_TIMES)


# --- rules ---------------------------------------------------------------------------------------------------------


def test_times_below_two_to_the_28_are_relative_to_now() -> None:
    below, at = 2**28 - 1, 2**28
    assert decode(f'[{{"n":"a","v":1,"t":{below}}}]')[0].t == NOW + below
    assert decode(f'[{{"n":"a","v":1,"t":{at}}}]')[0].t == at
    assert decode('[{"n":"a","v":1,"t":-60}]')[0].t == NOW - 60


def test_base_value_and_base_sum_are_added_without_binary_noise() -> None:
    record = decode('[{"bn":"a","bv":20.1,"bs":0.1,"v":0.2,"s":0.2}]')[0]
    assert (record.v, record.s) == (20.3, 0.3)


def test_a_missing_value_or_sum_counts_as_zero_beside_its_base() -> None:
    records = decode('[{"bn":"a","bv":20,"v":1},{"t":1},{"t":2,"vs":"x"},{"bs":5,"t":3,"vb":true}]')
    assert [(record.v, record.vs, record.vb, record.s) for record in records] == [
        (21, None, None, None),
        (20, None, None, None),
        (None, "x", None, None),
        (None, None, True, 5),
    ]


def test_a_sum_alone_is_enough() -> None:
    record = decode('[{"n":"meter","u":"W","s":3600}]')[0]
    assert (record.v, record.s) == (None, 3600)


def test_base_fields_hold_until_the_next_of_their_kind() -> None:
    records = decode('[{"bn":"a:","bu":"V","n":"x","v":1},{"n":"y","u":"A","v":2},{"bu":"K","n":"z","v":3}]')
    assert [(record.n, record.u) for record in records] == [("a:x", "V"), ("a:y", "A"), ("a:z", "K")]


def test_update_time_is_kept() -> None:
    assert decode('[{"n":"a","v":1,"ut":600}]')[0].ut == 600


def test_unknown_labels_are_ignored_unless_they_end_with_an_underscore() -> None:
    assert decode('[{"n":"a","v":1,"foo":{"bar":[1,null]}}]')[0].v == 1
    assert reason('[{"n":"a","v":1},{"n":"a","v":1,"foo_":1}]').startswith('record 2: "foo_"')
    assert "foo_" in reason(cbor2.dumps([{0: "a", 2: 1, "foo_": 1}]))
    assert senml.decode(cbor2.dumps([{0: "a", 2: 1, "foo": 1, 99: 2}]), now=NOW)[0].v == 1


@pytest.mark.parametrize("version", [1, 5, 10, 10.0, 26])
def test_known_versions_are_read(version: float) -> None:
    assert decode(f'[{{"bver":{version},"n":"a","v":1}},{{"n":"a","v":2}}]')[0].v == 1


@pytest.mark.parametrize("version", ["11", "12", "27", "42", "0", "-1", "10.5", '"10"', "null", "true"])
def test_other_versions_are_refused(version: str) -> None:
    assert "bver" in reason(f'[{{"bver":{version},"n":"a","v":1}}]')


def test_a_pack_has_one_version() -> None:
    assert reason('[{"n":"a","v":1},{"bver":5,"n":"a","v":1}]').startswith("record 2: bver")


@pytest.mark.parametrize("name", ["-a", ":a", "/a", "_a", ".a", "a b", "a?", "ä", "a\\u0000", ""])
def test_names_outside_the_rfcs_characters_are_refused(name: str) -> None:
    assert reason(f'[{{"n":"{name}","v":1}}]').startswith("record 1: n: ")


def test_the_whole_name_counts_not_its_parts() -> None:
    assert decode('[{"bn":"a","n":"/b:c.d-e_f","v":1}]')[0].n == "a/b:c.d-e_f"
    assert "n:" in reason('[{"v":1}]')


@pytest.mark.parametrize(
    ("fields", "label"),
    [
        ('"v":1,"vs":"x"', "vs"),
        ('"vb":true,"vd":"aGkgCg"', "vd"),
        ('"t":1', "v"),
        ('"v":"1"', "v"),
        ('"v":null', "v"),
        ('"v":true', "v"),
        ('"v":[1]', "v"),
        ('"vs":1', "vs"),
        ('"vb":1', "vb"),
        ('"vd":1', "vd"),
        ('"vd":"a+/b"', "vd"),
        ('"vd":"abcde"', "vd"),
        ('"vs":"\\ud800"', "vs"),
        ('"v":1,"u":5', "u"),
        ('"v":1,"t":"1"', "t"),
        ('"v":1,"ut":"1"', "ut"),
        ('"v":1e400', "v"),
        ('"v":-1e400', "v"),
        ('"v":1,"s":false', "s"),
    ],
)
def test_a_wrong_field_is_named_with_its_record(fields: str, label: str) -> None:
    assert reason(f'[{{"n":"a","v":0}},{{"n":"b",{fields}}}]').startswith(f"record 2: {label}:")


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b" ",
        b"[]",
        b"{}",
        b"[1]",
        b"[[]]",
        b"null",
        b'"x"',
        b'[{"n":"a","v":1}',
        b'[{"n":"a","v":1}]x',
        b'[{"n":"a","v":1}]\x00',
        b'[{"n":"a","v":NaN}]',
        b'[{"n":"a","v":-Infinity}]',
        b'[{"n":"a","v":1,"v":2}]',
        b'[{"n":"\xff","v":1}]',
        b'\xef\xbb\xbf[{"n":"a","v":1}]',
        b'[{"n":"a","v":' + b"9" * 5000 + b"}]",
        b"[" * 100_000,
        b'[{"n":"a","v":1,"x":' + b"[" * 100_000,
        b'[{"n":"a","v":1}]' + b" " * (1 << 20),
        b"\x80",
        b"\x82",
        b"\x81" * 1000,
        b"\xff",
        b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x81\xa1\x5b\x7f\xff\xff\xff\xff\xff\xff\xff",
        cbor2.dumps([{0: "a", 2: 1}]) + b"\x00",
        cbor2.dumps({0: "a", 2: 1}),
        bytes.fromhex("81a3 00616e 0201 0202"),
        bytes.fromhex("81a3 00616e 0201 61 76 02"),
        bytes.fromhex("81a2 00616e 02f97e00"),
        bytes.fromhex("81a2 00616e 02f97c00"),
        bytes.fromhex("81a2 00616e 02d81c01"),
        bytes.fromhex("81a2 00616e 02d8236128"),
        bytes.fromhex("81a2 00616e 02c4821b00ffffffffffffff01"),
        bytes.fromhex("81a2 0061ff 0201"),
        bytes.fromhex("d81c81d81d00"),
    ],
)
def test_what_is_no_pack_is_refused_in_one_sentence(payload: bytes) -> None:
    reason(payload)


def test_numbers_a_double_does_not_hold_become_the_nearest_double() -> None:
    assert decode('[{"n":"a","v":9007199254740993}]')[0].v == 9007199254740992.0
    assert decode(f'[{{"n":"a","v":{2**70}}}]')[0].v == float(2**70)


def test_cbor_decimal_fractions_bignums_and_streams_are_numbers_and_packs() -> None:
    records = senml.decode(cbor2.dumps([{0: "a", 2: Decimal("8.15")}, {0: "b", 2: 2**70}]), now=NOW)
    assert [record.v for record in records] == [8.15, float(2**70)]
    assert senml.decode(bytes.fromhex("9fbf 00616e 0201 ffff"), now=NOW)[0].v == 1
    assert senml.decode(bytes.fromhex("d9d9f7 81a2 00616e 0201"), now=NOW)[0].v == 1


def test_padding_of_data_is_forgiven() -> None:
    assert decode('[{"n":"a","vd":"aGkgCg=="}]')[0].vd == b"hi \n"


# --- properties ----------------------------------------------------------------------------------------------------

names = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9\-:./_]{0,20}\Z")
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
text = st.text(max_size=8)
absolute = st.integers(2**28, 2**40) | st.floats(2**28, 2**40)
values = st.one_of(
    st.fixed_dictionaries({"v": numbers}),
    st.fixed_dictionaries({"vs": text}),
    st.fixed_dictionaries({"vb": st.booleans()}),
    st.fixed_dictionaries({"vd": st.binary(max_size=8)}),
    st.fixed_dictionaries({"s": numbers}),
    st.fixed_dictionaries({"v": numbers, "s": numbers}),
)
records = st.builds(
    lambda n, t, u, ut, value: Record(n, t, u, ut=ut, **value),
    names,
    absolute,
    st.none() | text,
    st.none() | numbers,
    values,
)


@given(st.lists(records, min_size=1, max_size=6))
def test_resolved_records_survive_json_and_cbor(pack: list[Record]) -> None:
    pack.sort(key=lambda record: record.t)
    assert senml.decode(senml.encode_json(pack), now=NOW) == pack
    assert senml.decode(senml.encode_cbor(pack), now=NOW) == pack


fields = st.fixed_dictionaries(
    {},
    optional={
        "bn": st.sampled_from(["urn:dev:x:", "", "a"]),
        "bt": absolute | st.integers(-10, 10),
        "bu": text,
        "bv": numbers,
        "bs": numbers,
        "bver": st.sampled_from([5, 10, 11]),
        "n": names | text,
        "u": text,
        "v": numbers,
        "vs": text,
        "vb": st.booleans(),
        "vd": st.binary(max_size=6),
        "s": numbers,
        "t": numbers,
        "ut": numbers,
        "extra": st.none() | text,
        "must_": st.just(1),
    },
)


def outcome(payload: bytes) -> object:
    try:
        return senml.decode(payload, now=NOW)
    except DecodeError as error:
        return str(error)


@given(st.lists(fields, max_size=4))
def test_json_and_cbor_of_a_pack_mean_the_same(pack: list[dict[str, object]]) -> None:
    def data(value: object) -> object:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode() if isinstance(value, bytes) else value

    labels = {"bver": -1, "bn": -2, "bt": -3, "bu": -4, "bv": -5, "bs": -6, "n": 0, "u": 1, "v": 2, "vs": 3}
    labels |= {"vb": 4, "s": 5, "t": 6, "ut": 7, "vd": 8}
    as_json = json.dumps([{label: data(value) for label, value in record.items()} for record in pack]).encode()
    as_cbor = cbor2.dumps([{labels.get(label, label): value for label, value in record.items()} for record in pack])
    assert outcome(as_json) == outcome(as_cbor)


def holds_what_the_rfc_promises(payload: bytes) -> None:
    try:
        found = senml.decode(payload, now=NOW)
    except DecodeError as error:
        assert str(error)
        return
    assert found
    for record in found:
        assert math.isfinite(record.t)
        assert sum(value is not None for value in (record.v, record.vs, record.vb, record.vd)) <= 1
    assert [record.t for record in found] == sorted(record.t for record in found)
    senml.encode_json(found)


@given(st.binary(max_size=200))
def test_any_bytes_give_records_or_a_decode_error(payload: bytes) -> None:
    holds_what_the_rfc_promises(payload)


@given(st.lists(fields, min_size=1, max_size=3), st.data())
def test_damaged_packs_give_records_or_a_decode_error(pack: list[dict[str, object]], data: st.DataObject) -> None:
    payload = bytearray(cbor2.dumps(pack))
    for _ in range(data.draw(st.integers(1, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    holds_what_the_rfc_promises(bytes(payload))


json_values = st.recursive(
    st.none() | st.booleans() | numbers | text,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(text | st.sampled_from(["n", "v", "t"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(json_values)
def test_any_json_gives_records_or_a_decode_error(value: object) -> None:
    holds_what_the_rfc_promises(json.dumps(value).encode())
    holds_what_the_rfc_promises(json.dumps([{"n": "a", "v": value}]).encode())
