"""The ways into the network: Wi-Fi, Ethernet, mobile; lost, refused, stuck and found again. For MicroPython, in
virtual time."""
# heapsize: 512K
# again: single, 31-bit

import asyncio
import os

import flash
import virtual_time

virtual = virtual_time.install(virtual_time.WRAP - 5000)

import network  # noqa: E402
from simulated import board, world  # noqa: E402

from bordstein import clock, cycle, log, net, platform  # noqa: E402

ETHERNET = {"ethernet": {"phy": "lan8720", "mdc": 23, "mdio": 18, "power": 12, "clock": 17, "clock_out": True}}
STATIC = {"ip": "10.0.0.7", "mask": "255.255.255.0", "gateway": "10.0.0.1", "dns": "10.0.0.1"}
MOBILE = {"ppp": {"bus": {"type": "uart", "id": 1, "tx": 27, "rx": 26}, "apn": "stadt.iot", "power": 4}}


def build(options, modem=None, **scenario):
    network.WLAN._shared.clear()
    platform._buses.clear()
    board.levels.clear()
    log._lines.clear()
    scenario["chips"] = (
        [dict({"chip": "modem", "name": "modem", "bus": "uart:1", "power": 4}, **modem)] if modem is not None else []
    )
    world.load(scenario)
    return net.make(options)


def connect(interface):
    """None, or the sentence why not."""
    try:
        asyncio.run(interface.connect())
    except OSError as error:
        assert not interface.isup()
        return str(error)
    assert interface.isup() and interface.dns() == ["127.0.0.1"]
    return None


def keep(interface, seconds, script=None, silent=lambda: 0):
    async def main():
        task = asyncio.create_task(net.keep(interface, silent))
        if script:
            await script()
        await asyncio.sleep(seconds)
        task.cancel()

    asyncio.run(main())
    return [line.split(" ", 1)[1] for line in log._lines]


def test_no_section_is_no_interface():
    assert build({}) is None and build({"wifi": []}) is None


def wifi(*networks, **more):
    return dict({"wifi": [{"ssid": ssid, "password": key} for ssid, key in networks]}, **more)


def test_wifi_takes_the_first_network_that_lets_it_in_and_says_why_others_do_not():
    both = wifi(("Rathaus", "geheimgeheim"), ("Bauhof", "bauhofbauhof"))
    assert connect(build(both, wifi={"Bauhof": "bauhofbauhof"})) is None
    why = connect(build(both, wifi={"Bauhof": "anders"}))
    assert "Rathaus (there is no such network here)" in why and "Bauhof (wrong password)" in why
    assert "geheim" not in why


def test_wifi_with_a_fixed_address_asks_nobody_for_one():
    interface = build(wifi(("Rathaus", "geheimgeheim"), address=STATIC))
    connect(interface)
    assert network.WLAN._shared[network.STA_IF]["settings"] == ("10.0.0.7", "255.255.255.0", "10.0.0.1", "10.0.0.1")


def test_wifi_that_went_away_comes_back_by_itself():
    interface = build(wifi(("Rathaus", "geheimgeheim")), wifi={"Rathaus": "geheimgeheim"})

    async def script():
        await asyncio.sleep(30)
        assert interface.isup() and net.rssi() == -61
        world.scenario["wifi"] = {}
        interface._station.disconnect()
        await asyncio.sleep(600)
        assert not interface.isup() and net.rssi() is None
        world.scenario["wifi"] = {"Rathaus": "geheimgeheim"}

    lines = keep(interface, 90, script)
    assert interface.isup()
    assert len([line for line in lines if line == "wifi: connected to Rathaus"]) == 2, lines
    assert any("off and on again" in line for line in lines)


def test_a_radio_that_carries_nothing_is_switched_off_and_on():
    interface = build(wifi(("Rathaus", "geheimgeheim")))
    restarts = []
    restart = interface.restart

    async def counted():
        restarts.append(virtual.now_ms)
        await restart()

    interface.restart = counted
    begun = clock.uptime()
    keep(interface, 5 * 3600, silent=lambda: clock.uptime() - begun)
    assert 8 <= len(restarts) <= 10 and interface.isup()


def test_ethernet_comes_up_and_says_when_the_cable_is_out():
    interface = build(ETHERNET)
    assert connect(interface) is None and interface.rssi() is None
    assert "cable" in connect(build(ETHERNET, cable=False))
    interface = build(ETHERNET, cable=False)

    async def script():
        await asyncio.sleep(900)
        world.scenario["cable"] = True

    keep(interface, 120, script)
    assert interface.isup() and interface._lan.starts > 1


def test_ethernet_on_an_image_without_it_is_a_sentence():
    lan, network.LAN = network.LAN, None
    del network.LAN
    try:
        assert "has none" in connect(build(ETHERNET))
    finally:
        network.LAN = lan


def test_mobile_switches_the_modem_on_registers_and_dials():
    interface = build(MOBILE, modem={"apn": "stadt.iot", "register_s": 20, "signal": 20})
    assert connect(interface) is None
    modem = world.chips[0]
    assert modem.presses == 1 and modem.apn == "stadt.iot" and interface.rssi() == -73


def test_mobile_that_is_on_already_is_not_switched_off():
    interface = build(MOBILE, modem={})
    world.chips[0]._switch(True)
    virtual.advance(5000)
    assert connect(interface) is None and world.chips[0].presses == 0


def test_mobile_says_what_is_wrong():
    flash.mount()
    for modem, options, word in (
        ({"sim": "none"}, {}, "+CME ERROR"),
        ({"sim": "pin", "pin": "1234"}, {}, "network.ppp.pin"),
        ({"refused": True}, {}, "contract"),
        ({"register_s": 9999}, {}, "antenna"),
        ({"apn": "other"}, {}, "APN"),
        ({"power": 5}, {}, "power key"),
    ):
        interface = build({"ppp": dict(MOBILE["ppp"], **options)}, modem=modem)
        why = connect(interface)
        assert why and word in why, (modem, why)


def test_mobile_logs_in_where_the_provider_wants_a_name():
    interface = build({"ppp": dict(MOBILE["ppp"], user="stadt", password="geheim")}, modem={})
    assert connect(interface) is None and interface._ppp.login == (network.PPP.SEC_PAP, "stadt", "geheim")


def test_mobile_tries_a_wrong_pin_once_for_good():
    flash.mount()
    wrong = {"ppp": dict(MOBILE["ppp"], pin="0000")}
    assert "correct it" in connect(build(wrong, modem={"sim": "pin", "pin": "1234"}))
    assert world.chips[0].pin_tries == 1 and "0000" not in " ".join(log._lines)
    for _ in range(3):  # restarts
        assert "not tried again" in connect(build(wrong, modem={"sim": "pin", "pin": "1234"}))
        assert world.chips[0].pin_tries == 0
    right = {"ppp": dict(MOBILE["ppp"], pin="1234")}
    assert connect(build(right, modem={"sim": "pin", "pin": "1234"})) is None
    assert "pin" in os.listdir()


def test_what_draws_current_is_off_before_deep_sleep_and_on_again_after_it():
    def slept(interface):
        async def script():
            await asyncio.sleep(60)
            assert interface.isup()
            await cycle._switch_off()
            await asyncio.sleep(60)  # and keep() leaves it alone

        keep(interface, 30, script)
        assert not interface.isup() and not net.dns_servers()

    interface = build(wifi(("Rathaus", "geheimgeheim")))
    slept(interface)
    assert not network.WLAN(network.STA_IF).active() and connect(interface) is None
    interface = build(ETHERNET)
    slept(interface)
    assert connect(interface) is None
    interface = build(MOBILE, modem={})
    slept(interface)
    assert not world.chips[0].on and connect(interface) is None and world.chips[0].presses == 3
    without_key = {"ppp": {name: value for name, value in MOBILE["ppp"].items() if name not in ("power", "key_ms")}}
    interface = build(without_key, modem={"power": None})
    slept(interface)
    assert world.chips[0].on and not world.chips[0].awake
    assert connect(interface) is None and world.chips[0].awake


def test_mobile_that_never_answered_is_not_pressed_before_deep_sleep():
    interface = build(MOBILE, modem={"power": 5})
    assert "power key" in connect(interface)
    presses = []
    interface._press = lambda: presses.append(True)
    asyncio.run(interface.off())
    assert not presses


def test_mobile_that_lost_its_network_is_dialled_again():
    interface = build(MOBILE, modem={})

    async def script():
        await asyncio.sleep(60)
        assert interface.isup()
        world.chips[0]._switch(False)  # its supply failed
        await asyncio.sleep(60)

    lines = keep(interface, 200, script)
    assert interface.isup() and lines.count("mobile: connected") == 2, lines
