"""resolve.py and sntp.py: questions and answers, whole and broken."""
# again: single, 31-bit

import asyncio
import struct
import sys

from bordstein import app, resolve, sntp

NAME = "mqtt.musterstadt.example"
MARK = b"12345678"
NOW = 1795533000


def reply(records, number=7, flags=0x8180):
    asked = resolve.question(NAME, number)[12:]
    return struct.pack(">HHHHHH", number, flags, 1, len(records), 0, 0) + asked + b"".join(records)


def record(kind, data):
    return b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data


def fails(function, *arguments):
    try:
        function(*arguments)
    except (OSError, ValueError) as error:
        return str(error.args[-1])
    raise AssertionError("no error")


def test_a_question_has_the_name_in_labels():
    asked = resolve.question("a.bc", 1)
    assert asked[12:] == b"\x01a\x02bc\x00\x00\x01\x00\x01"
    for wrong in ("", "a..b", "x" * 64 + ".de", ".".join(["abcdefgh"] * 40)):
        assert "no host name" in fails(resolve.question, wrong, 1)


def test_the_first_address_counts_also_behind_an_alias():
    assert resolve.answer(reply([record(1, b"\xc0\x00\x02\x07")]), 7) == "192.0.2.7"
    assert resolve.answer(reply([record(5, b"\x01x\xc0\x0c"), record(1, b"\xc0\x00\x02\x08")]), 7) == "192.0.2.8"


def test_an_answer_to_another_question_is_none():
    assert resolve.answer(reply([record(1, b"\xc0\x00\x02\x07")]), 8) is None
    assert resolve.answer(resolve.question(NAME, 7), 7) is None


def test_no_such_name_is_said():
    assert "does not know" in fails(resolve.answer, reply([], flags=0x8183), 7)
    assert "no IPv4" in fails(resolve.answer, reply([record(28, b"\x00" * 16)]), 7)


def test_an_answer_cut_off_anywhere_is_none_or_said():
    whole = reply([record(5, b"\x01x\xc0\x0c"), record(1, b"\xc0\x00\x02\x08")])
    for end in range(len(whole)):
        try:
            assert resolve.answer(whole[:end], 7) is None
        except OSError:
            pass


def test_addresses_need_no_name_server():
    assert resolve.is_address("192.0.2.7")
    for host in ("192.0.2", "192.0.2.256", "a.b.c.d", "1.2.3.4.5", ""):
        assert not resolve.is_address(host)


def time_reply(seconds, fraction=0, mode=4, leap=0, stratum=2, mark=MARK):
    packet = bytearray(48)
    packet[0] = leap << 6 | 4 << 3 | mode
    packet[1] = stratum
    packet[12:16] = b"RATE"
    packet[24:32] = mark
    struct.pack_into(">II", packet, 40, seconds & 0xFFFFFFFF, fraction)
    return packet


def test_the_time_is_whole_unix_seconds():
    assert sntp.parse(time_reply(NOW + 2208988800), MARK, NOW - 1000) == NOW
    assert sntp.parse(time_reply(NOW + 2208988800, 0x80000000), MARK, NOW - 1000) == NOW + 1


def test_the_time_goes_on_after_2036():
    later = 2085978496 + 1000  # the NTP era ends at 2085978496
    assert sntp.parse(time_reply(later + 2208988800), MARK, NOW) == later


def test_a_server_that_lives_in_the_past_is_not_taken_for_one_of_the_next_era():
    for past in (946684800, 0, NOW - 86400):
        assert "is wrong" in fails(sntp.parse, time_reply(past + 2208988800), MARK, NOW)


def test_only_an_answer_to_the_own_question_counts():
    assert sntp.parse(time_reply(NOW, mark=b"87654321"), MARK, NOW - 1000) is None
    assert sntp.parse(time_reply(NOW, mode=3), MARK, NOW - 1000) is None
    assert sntp.parse(b"x" * 20, MARK, NOW - 1000) is None


def test_a_server_without_the_time_is_said():
    assert "RATE" in fails(sntp.parse, time_reply(NOW, stratum=0), MARK, NOW - 1000)
    assert "not set" in fails(sntp.parse, time_reply(NOW, leap=3), MARK, NOW - 1000)
    assert "no time" in fails(sntp.parse, time_reply(0), MARK, NOW - 1000)


def test_the_question_repeats_the_mark():
    asked = sntp.request(MARK)
    assert len(asked) == 48 and asked[40:] == MARK and asked[0] == 0x23


def test_a_look_up_leaves_nothing_in_memory():
    assert asyncio.run(app.look_up("localhost")) == "127.0.0.1"
    assert "bordstein.resolve" not in sys.modules
    try:
        asyncio.run(app.look_up(NAME))
        raise AssertionError("there is no network")
    except OSError as error:
        assert "no name server" in error.args[-1]
    assert "bordstein.resolve" not in sys.modules
