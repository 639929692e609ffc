"""`network` of a virtual board: a Wi-Fi station over the host's own network."""

from simulated import world

STA_IF, AP_IF = 0, 1
STAT_IDLE, STAT_CONNECTING, STAT_GOT_IP = 1000, 1001, 1010
STAT_NO_AP_FOUND, STAT_WRONG_PASSWORD, STAT_BEACON_TIMEOUT, STAT_ASSOC_FAIL, STAT_HANDSHAKE_TIMEOUT = (
    201, 202, 200, 203, 204,
)  # fmt: skip
_JOIN_MS = 300

_hostname = "mpy-esp32"


def hostname(name=None):
    global _hostname
    if name is None:
        return _hostname
    _hostname = name


def country(code=None):
    return "XX" if code is None else None


class WLAN:
    """Joins any access point, or only those the scenario lists: {"wifi": {"ssid": "password"}}."""

    PM_NONE, PM_PERFORMANCE, PM_POWERSAVE = 0, 1, 2
    IF_STA, IF_AP = STA_IF, AP_IF
    _shared = {}  # the state is the interface's, not the object's

    def __init__(self, interface=STA_IF):
        self._state = self._shared.setdefault(interface, {"active": False, "joined": None, "status": STAT_IDLE})

    def active(self, on=None):
        if on is None:
            return self._state["active"]
        self._state["active"] = bool(on)
        if not on:
            self.disconnect()
        return bool(on)

    def connect(self, ssid=None, key=None, *, bssid=None):
        if not self._state["active"]:
            raise OSError("Wifi Not Started")
        known = world.scenario.get("wifi")
        if known is not None and ssid not in known:
            self._state["status"] = STAT_NO_AP_FOUND
        elif known is not None and known[ssid] != key:
            self._state["status"] = STAT_WRONG_PASSWORD
        else:
            self._state["status"] = STAT_CONNECTING
            self._state["joined"] = world.ticks_ms()

    def disconnect(self):
        self._state["joined"] = None
        self._state["status"] = STAT_IDLE

    def isconnected(self):
        joined = self._state["joined"]
        if joined is None or world.ticks_diff(world.ticks_ms(), joined) < _JOIN_MS:
            return False
        self._state["status"] = STAT_GOT_IP
        return True

    def status(self, what=None):
        if what is None:
            self.isconnected()
            return self._state["status"]
        if what == "rssi":
            return world.scenario.get("rssi", -61)
        raise ValueError("unknown status param")

    def ifconfig(self, settings=None):
        if settings is not None:
            self._state["settings"] = settings
            return None
        if not self.isconnected():
            return ("0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0")
        return ("127.0.0.1", "255.0.0.0", "127.0.0.1", world.scenario.get("dns", "127.0.0.1"))

    def ipconfig(self, what=None, **settings):
        if what == "dhcp4":
            return True
        if what == "has_dhcp4":
            return self.isconnected()
        if what == "addr4":
            return self.ifconfig()[:2]
        if what == "gw4":
            return self.ifconfig()[2]

    def config(self, *names, **settings):
        if names == ("mac",):
            return bytes.fromhex(world.scenario.get("mac", "020000000000"))

    def scan(self):
        known = world.scenario.get("wifi", {})
        return [(ssid.encode(), b"\x02\x00\x00\x00\x00\x01", 6, -61, 3, False) for ssid in known]


def ipconfig(what=None, **settings):
    if what == "dns":
        return world.scenario.get("dns", "127.0.0.1")


PHY_LAN8710, PHY_LAN8720, PHY_IP101, PHY_RTL8201, PHY_DP83848, PHY_KSZ8041 = range(6)
_LINK_MS = 2000


class LAN:
    """Ethernet over the host's own network; the scenario's `cable` (true when left out) is what a PHY sees."""

    def __init__(self, *, mdc, mdio, phy_type, phy_addr, power=None, ref_clk=None, ref_clk_mode=None):
        self.pins = (mdc.number, mdio.number)
        self.starts = 0
        self._since = None

    def active(self, on=None):
        if on is None:
            return self._since is not None
        self._since = world.ticks_ms() if on else None
        self.starts += bool(on)

    def isconnected(self):
        if self._since is None or not world.scenario.get("cable", True):
            return False
        return world.ticks_diff(world.ticks_ms(), self._since) >= _LINK_MS

    def ifconfig(self, settings=None):
        if settings is not None:
            self.settings = settings
            return None
        return ("127.0.0.1", "255.0.0.0", "127.0.0.1", world.scenario.get("dns", "127.0.0.1"))


class PPP:
    """PPP over the simulated modem on a UART."""

    SEC_NONE, SEC_PAP, SEC_CHAP = 0, 1, 2

    def __init__(self, stream):
        self._modem = next(chip for chip in world.chips if hasattr(chip, "gives_address"))
        self._since = None
        self.login = None

    def connect(self, security=SEC_NONE, user=None, key=None):
        self.login = (security, user, key)
        self._since = world.ticks_ms()

    def disconnect(self):
        self._since = None
        self._modem.online = False  # LCP says goodbye, and it takes AT commands again

    def poll(self):
        pass

    def isconnected(self):
        if self._since is None or not self._modem.gives_address():
            return False
        return world.ticks_diff(world.ticks_ms(), self._since) >= _LINK_MS

    def ifconfig(self):
        return ("10.64.64.64", "255.255.255.255", "10.64.64.65", world.scenario.get("dns", "127.0.0.1"))
