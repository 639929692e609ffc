"""Signed releases on the board: what is installed, what is refused, how it goes on, and the trial. For MicroPython."""
# heapsize: 1M

import json
import os
import sys

import flash
import virtual_time

virtual_time.install(virtual_time.WRAP - 5000)

from update_bench import (  # noqa: E402
    DATE,
    NEW,
    OLD,
    App,
    Release,
    boot,
    gateway,
    holds,
    install,
    piece,
    settle,
    trust,
)

from bordstein.update import install as installer  # noqa: E402
from bordstein.update import slots  # noqa: E402


def board():
    """With the old software, over the cable, and the key."""
    flash.mount(blocks=128)
    install(OLD)
    trust()
    assert boot() == ""


def offered(release, answer=None):
    """(does the board restart for it?, the App)"""
    app = App(answer or gateway(release))
    return app.run(release.offer), app


def refused(release, *words, answer=None):
    """The board stays as it is and says why."""
    active, trial = slots.load()
    restarts, app = offered(release, answer)
    last = app.told[-1]
    assert not restarts and last["result"] == "refused" and last["order"] == release.order, app.told
    for word in words:
        assert word in last["why"], last["why"]
    assert (active, trial) == slots.load() and app.state.update == last


def updated(release):
    """Installed, tried and confirmed; the root of the new software."""
    restarts, app = offered(release)
    assert restarts, app.told
    root = boot()
    restarts, app = settle()
    assert not restarts and app.told[-1]["result"] == "done"
    return root


def test_a_release_is_fetched_tried_and_stays():
    board()
    release = Release()
    restarts, app = offered(release)
    assert restarts and [told["result"] for told in app.told] == ["fetching", "trying"]
    assert holds(NEW, "a/") and holds(OLD)
    assert boot() == "a/"
    restarts, app = settle()
    assert not restarts and app.told == [{"order": 1, "version": "0.2.0", "result": "done"}]
    for cause in ("watchdog", "power-on", "soft"):
        assert boot(cause) == "a/"
    assert App().state.update["result"] == "done"


def test_the_next_release_goes_to_the_other_slot_and_what_is_there_is_not_fetched_again():
    board()
    assert updated(Release()) == "a/"
    third = dict(NEW)
    third["bordstein/app.mpy"] = b"third"
    del third["bordstein/sensors/shared/i2c.mpy"]
    assert updated(Release(third, "0.3.0", 2, date=DATE + 1)) == "b/"
    assert holds(third, "b/") and holds(NEW, "a/")
    release = Release(NEW, "0.4.0", 3, date=DATE + 2)
    restarts, app = offered(release)
    assert restarts and boot() == "a/"
    assert max(app.asked) < 392 + len(release.manifest)  # slot a had it all
    settle()
    assert updated(Release(OLD, "0.5.0", 4, date=DATE + 3)) == "b/"
    assert holds(OLD, "b/") and "sensors" not in os.listdir("b/bordstein")


def test_what_the_running_software_has_in_common_is_copied():
    board()
    fifth = dict(OLD)
    fifth["bordstein/more.mpy"] = b"more" * 600
    release = Release(fifth)
    restarts, app = offered(release)
    start = 392 + len(release.manifest) + len(OLD["bordstein/__init__.mpy"])
    asked = [offset for offset in app.asked if offset >= 392 + len(release.manifest)]
    assert restarts and asked == list(range(start, start + 2400, installer.PIECE)) and holds(fifth, "a/")
    assert updated(Release(OLD, "0.3.0", 2, date=DATE + 1)) == "a/" and holds(OLD, "a/")


def test_a_wrong_signature_is_refused():
    board()
    for at in (8, 200, 391):  # in the signature
        release = Release(order=at)
        release.pack = release.pack[:at] + bytes((release.pack[at] ^ 1,)) + release.pack[at + 1 :]
        refused(release, "signature")
    release = Release(order=500)
    release.pack = release.pack.replace(b'"floor": "0.0.0"', b'"floor": "0.0.1"')
    refused(release, "signature")
    with open("release.pub", "w") as file:
        file.write("65537 %x\n" % ((1 << 3071) + 1))
    refused(Release(order=501), "signature")
    os.remove("release.pub")
    refused(Release(order=502), "key")
    assert not holds(NEW, "a/")


def test_any_of_several_keys_will_do():
    board()
    with open("release.pub") as file:
        ours = file.read()
    with open("release.pub", "w") as file:
        file.write("65537 %x\n\n%s" % ((1 << 3071) + 1, ours))
    assert updated(Release()) == "a/"


def test_a_wrong_hash_is_refused():
    board()
    release = Release()
    release.pack = release.pack[:-1] + b"?"
    refused(release, "bordstein/sensors/shared/i2c.mpy", "manifest")
    assert boot() == ""


def test_a_truncated_pack_is_refused():
    board()
    for order, length in enumerate((0, 3, 8, 391, 392, 700, -1), 1):
        release = Release(order=order)
        release.pack = release.pack[:length]
        refused(release, "pack")


def test_an_old_release_that_is_replayed_is_refused():
    board()
    old = Release()
    updated(old)
    updated(Release(OLD, "0.3.0", 2, date=DATE + 1))
    old.order = 3
    refused(old, "0.2.0", "signed before")
    refused(Release(version="0.2.0", order=4, date=1_700_000_000), "signed before")  # older than this software itself
    # Signed again it is a step back that somebody wants.
    assert updated(Release(NEW, "0.2.0", 5, date=DATE + 2)) == "a/"


def test_a_downgrade_below_the_floor_is_refused_and_the_floor_only_rises():
    board()
    updated(Release(NEW, "0.10.0", 1, floor="0.9.0"))
    refused(Release(OLD, "0.2.0", 2, date=DATE + 1), "0.9.0")
    updated(Release(OLD, "0.9.0", 3, date=DATE + 1, floor="0.1.0"))
    refused(Release(NEW, "0.8.9", 4, date=DATE + 2), "0.9.0")


def test_a_release_for_other_boards_is_refused():
    board()
    refused(Release(boards=["esp32-devkitc"]), "kind of board", "virtual")
    app = App(gateway(Release(order=2)))
    app.state.board = ""
    assert not app.run(Release(order=2).offer) and "kind of board" in app.told[-1]["why"]


def test_too_old_a_micropython_is_refused():
    board()
    refused(Release(micropython="1.99"), "MicroPython 1.99", "1.25")
    refused(Release(micropython="2.0", order=2), "MicroPython 2.0")
    refused(Release(mpy=7, order=3), ".mpy 7")
    assert updated(Release(micropython="1.9", order=4)) == "a/"


def test_a_release_that_is_not_what_was_offered_or_leads_out_of_the_slot_is_refused():
    board()
    release = Release()
    release.version = "0.7.0"
    refused(release, "0.7.0", "0.2.0")
    refused(Release({"boot.py": b""}, order=2), "boot.py")
    refused(Release({"bordstein/../../boot.py": b""}, order=3), "boot.py")
    refused(Release(order=4, format=2), "form")
    refused(Release(order=5, version="0.x.0"), "can't be read")


def test_flash_without_room_is_refused():
    flash.mount(blocks=20)
    trust()
    refused(Release(), "flash has")


def test_offers_that_cannot_be_read_are_ignored():
    board()
    for payload in (b"{", b"[]", b"5", b"{}", b'{"order": "1", "version": "1.0.0", "sha256": "x"}', b"\xff"):
        app = App()
        assert not app.run(payload) and not app.told


def test_what_runs_already_is_done_and_an_order_is_followed_once():
    board()
    import bordstein

    release = Release(version=bordstein.__version__, order=7)
    restarts, app = offered(release)
    assert not restarts and not app.asked and app.told[-1]["result"] == "done"
    release = Release(order=8, boards=[])
    refused(release, "kind of board")
    restarts, app = offered(release)
    assert not restarts and not app.asked and not app.told


def test_lost_doubled_reordered_and_foreign_pieces_do_no_harm():
    board()
    release = Release()
    late = []
    turn = [0]

    def answer(order, offset, length):
        turn[0] += 1
        right = piece(order, offset, release.pack[offset : offset + length])
        if turn[0] % 5 == 0:
            late.append(right)
            return []  # lost, or late
        if turn[0] % 5 == 1:
            return [right, right] + late
        if turn[0] % 5 == 2:
            return [
                piece(order, offset + 1, b"?"),
                piece(order + 1, offset, b"?"),
                b"",
                b"short",
                right + b"too long",
            ] + [right]
        return late + [right]

    restarts, app = offered(release, answer)
    assert restarts and late and holds(NEW, "a/")
    assert len(app.asked) > len(set(app.asked))


def test_a_silent_gateway_is_given_up_and_the_next_offer_goes_on():
    board()
    release = Release()
    left = [9]

    def answer(order, offset, length):
        left[0] -= 1
        return gateway(release)(order, offset, length) if left[0] > 0 else []

    restarts, app = offered(release, answer)
    assert not restarts and app.told[-1]["result"] == "fetching"
    first = set(app.asked)
    assert boot("power-on") == ""  # meanwhile the power was cut
    restarts, app = offered(release)
    assert restarts and holds(NEW, "a/")
    # Not the manifest and what was whole, only the file that was not.
    assert len(first) > 7 and len(first & set(app.asked)) == 4


def test_an_order_that_is_taken_back_or_replaced_ends_where_it_is():
    board()
    release, other = Release(), Release(OLD, "0.3.0", 2)
    apps = []

    def answer(order, offset, length):
        if order == 1 and offset > 2000:
            apps[0].update.take("bordstein/v1/x/release", other.offer)
            apps[0].update.take("bordstein/v1/x/release", other.offer)  # again, after a reconnect
        return gateway(release if order == 1 else other)(order, offset, length)

    apps.append(App(answer))
    assert apps[0].run(release.offer) and holds(OLD, "a/")
    assert apps[0].told[-1] == {"order": 2, "version": "0.3.0", "result": "trying"}
    board()
    apps[:] = [App(lambda order, offset, length: apps[0].update.take("x/release", b"") or [])]
    assert not apps[0].run(release.offer) and len(apps[0].asked) == 1


def test_a_trial_without_reading_or_receipt_returns_to_the_old():
    for sensor, receipt, word in ((None, True, "no reading"), ([], False, "no receipt")):
        board()
        offered(Release())
        assert boot() == "a/"
        app = App()
        app.sampler.sensors["air"].values = sensor
        app.uplink.settled = receipt
        assert app.run()
        assert app.told[-1]["result"] == "failed" and word in app.told[-1]["why"]
        assert boot() == ""
        restarts, app = settle()
        assert not restarts and word in app.state.update["why"]
        assert boot() == ""
        restarts, app = offered(Release())  # the same order again
        assert not restarts and not app.asked
        restarts, app = offered(Release(order=2))  # somebody wants it to be tried again
        assert restarts and not app.asked


def test_a_trial_that_ends_early_returns_to_the_old():
    for cause in ("watchdog", "soft", "hard"):
        board()
        offered(Release())
        assert boot() == "a/"
        assert boot(cause) == ""
        restarts, app = settle()
        assert not restarts and app.told[-1]["result"] == "failed", app.told
        assert boot("power-on") == "" and slots.load() == ("-", "-")


def test_a_trial_outlives_power_cuts_but_not_many():
    board()
    offered(Release())
    assert [boot(), boot("power-on"), boot("power-on"), boot("power-on")] == ["a/", "a/", "a/", ""]
    board()
    offered(Release())
    assert [boot(), boot("power-on")] == ["a/", "a/"]
    settle()
    assert boot("power-on") == "a/" == boot("watchdog")


def test_software_on_trial_that_does_not_load_returns_at_once():
    import machine

    board()
    offered(Release())
    prompt = sys.modules.pop("bordstein.prompt")
    package = sys.modules["bordstein"]
    resets = []
    reset = machine.reset
    machine.reset = lambda: resets.append(1)
    real = package.prompt
    del package.prompt
    path = package.__path__
    package.__path__ = "nowhere"
    try:
        boot()
        raise AssertionError("boot.py went on")
    except ImportError:
        assert resets == [1]
    finally:
        machine.reset = reset
        sys.modules["bordstein.prompt"] = package.prompt = prompt
        package.__path__ = path
    assert real is prompt and boot() == ""


def test_damaged_files_mean_the_software_of_the_cable_and_no_memory():
    board()
    updated(Release(floor="0.1.0"))
    for content in (b"", b"a-3", b"a-3\0\0\0\0", b"\xff" * 7, b"a"):
        with open("slot", "wb") as file:
            file.write(content)
        assert boot() == "" and slots.load() == ("-", "-")
    with open("update", "wb") as file:
        file.write(b"00000000{}")
    assert slots.record() == {}
    slots.remember({"floor": "0.1.0"})
    assert slots.record() == {"floor": "0.1.0"} and json.loads("{}") == {}


def test_pieces_fit_what_the_link_keeps():
    from bordstein.mqtt import Parser

    assert installer.PIECE + 8 + 60 < 4096 == Parser()._limit
