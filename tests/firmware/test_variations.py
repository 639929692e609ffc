"""What variations.py injects bites: single-precision floats, small integers of 31 bits, time that counts from 2000."""

import ctypes
import json
import math

import pytest

from tests.firmware.single_precision import instrumented
from tests.firmware.variations import epoch_2000, path, single_precision_firmware, small_integers_of_31_bits

UNIX_TIME = 1795533000

SAMPLE = """
import json
import math

class Kept:
    def __init__(self, utc):
        self.utc = utc * 1.0
        self.utc += 1
        self.minutes = [0, 0.5]
        self.minutes[0] += utc / 60

def minute_lost(utc):
    return int(utc + 0.0) - utc

def is_before(utc, other):
    return utc < other

def in_order(values):
    values += [math.log10(2), sum(values)]
    return values

def read(text):
    return json.loads(text)

def halves(count):
    return count // 2, -count % 7, "%d of %d" % (1, count), "a" * 2 + "b", [1] * 2, 2**40
"""


def f32(number: float) -> float:
    return ctypes.c_float(number).value


def results(tmp_path, run_micropython, source):
    """What the functions of the sample return."""
    (tmp_path / "sample.py").write_text(source)
    script = tmp_path / "script.py"
    script.write_text(
        f"import json, sample\nkept = sample.Kept({UNIX_TIME})\n"
        f"print(json.dumps([sample.minute_lost({UNIX_TIME}), kept.utc, kept.minutes,"
        f"sample.is_before({UNIX_TIME}, {UNIX_TIME}.5 * 1), sample.in_order([0.1, 0.2]),"
        f"sample.read('[{{\"a\": [0.1, {UNIX_TIME}]}}, 1e39]')[0], list(sample.halves({UNIX_TIME}))]))"
    )
    done = run_micropython(script, path=[tmp_path, *path()])
    assert done.returncode == 0, done.stdout
    return json.loads(done.stdout)


def test_a_unix_time_in_a_float_loses_a_minute_in_the_copy_only(tmp_path, run_micropython):
    lost, utc, minutes, *_ = results(tmp_path, run_micropython, SAMPLE)
    assert (lost, utc, minutes) == (0, UNIX_TIME + 1, [UNIX_TIME / 60, 0.5])
    lost, utc, minutes, *_ = results(tmp_path, run_micropython, instrumented(SAMPLE))
    assert lost == f32(UNIX_TIME) - UNIX_TIME and 30 < abs(lost) <= 64
    assert utc == f32(UNIX_TIME) and minutes == [f32(f32(UNIX_TIME) / 60), 0.5]


def test_comparisons_functions_and_json_are_as_short_and_integers_stay_whole(tmp_path, run_micropython):
    plain = results(tmp_path, run_micropython, SAMPLE)
    before, values, read, halves = results(tmp_path, run_micropython, instrumented(SAMPLE))[3:]
    assert plain[3] is True and before is False
    assert plain[4][2:] == pytest.approx([math.log10(2), 0.3], rel=1e-12)
    assert values[2:] == pytest.approx([f32(math.log10(2)), f32(f32(0.1) + f32(0.2))], rel=1e-12)
    assert plain[5] == {"a": [0.1, UNIX_TIME]} and read == {"a": [pytest.approx(f32(0.1), rel=1e-12), UNIX_TIME]}
    assert halves == plain[6] == [UNIX_TIME // 2, -UNIX_TIME % 7, f"1 of {UNIX_TIME}", "aab", [1, 1], 2**40]


def test_what_can_not_be_instrumented_is_refused():
    for source, words in (("from math import log", "math as a whole"), ("a[f()] += 1", "worked out twice")):
        with pytest.raises(ValueError, match=words):
            instrumented(source)


def test_every_module_of_the_firmware_has_short_floats_in_the_copy():
    modules = [file.relative_to(path()[2]) for file in path()[2].rglob("*.py")]
    assert len(modules) > 60
    for module in modules:
        assert (single_precision_firmware() / module).read_text().startswith("import binary32 as _binary32\n"), module


def test_small_integers_end_where_an_esp32s_end(tmp_path, run_micropython):
    script = tmp_path / "script.py"
    script.write_text(
        "import micropython\n\ndef more(most):\n    micropython.heap_lock()\n    try:\n        most + 1\n"
        "        return 'small'\n    except MemoryError:\n        return 'allocated'\n    finally:\n"
        "        micropython.heap_unlock()\n\nprint(more((1 << 30) - 1))\n"
    )
    assert run_micropython(script).stdout == "small\n"
    assert run_micropython(script, **small_integers_of_31_bits("256K")).stdout == "allocated\n"


def test_time_counts_from_2000(tmp_path, run_micropython):
    script = tmp_path / "script.py"
    script.write_text("import time\nprint(time.gmtime(0)[:6], time.gmtime()[0] > 2020, time.time() < 1500000000)")
    assert run_micropython(script).stdout == "(1970, 1, 1, 0, 0, 0) True False\n"
    assert run_micropython(script, **epoch_2000("256K")).stdout == "(2000, 1, 1, 0, 0, 0) True True\n"
