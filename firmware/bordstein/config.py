"""The configuration: one JSON file, checked whole. Pure: runs on the board and under CPython (tools, tests).

    check(config) -> ["sensors.air.interval_s: expected a whole number from 1 to 86400, got "fast"", …]    all mistakes
    load("config.json") -> the configuration with defaults filled in; ConfigError with .problems and .usable

What a section may contain stands in RULES, a line a key: its kind, limits, and "!" when it must be there or "=value"
for its default. README.md describes the keys for people.
"""

import json

from bordstein.properties import row

# kinds: text, secret (never shown), file, int low high, bool, pin (a GPIO number), address low high (I2C),
# rom (1-wire), property, or the type of the bus whose name stands there
RULES = {
    "": "name text\nboard text\nhealth_s int 10 86400 =300\nled pin",
    "mqtt": "host text !\nport int 1 65535 =8883\ntls bool =true\nca file\ncert file\nkey file\n"
    "keepalive_s int 5 3600 =60",
    "spool": "max_kb int 32 16384 =512\nbatch_s int 0 3600 =0",
    "supply": "pin pin !\nfactor int 1000 100000 =2000",
    "wifi": "ssid text !\npassword secret",
    "i2c": "type text\nid int 0 1 !\nscl pin !\nsda pin !\nfreq int 10000 1000000 =100000",
    "uart": "type text\nid int 1 2 !\ntx pin\nrx pin !",
    "onewire": "type text\npin pin !",
    "sensor": "driver text !\ninterval_s int 1 86400",
    "bme280": "bus i2c !\naddress address 118 119 =118",
    "sds011": "bus uart !\nsleep bool",
    "a02yyuw": "bus uart !\nzero_mm int -20000 20000\nframes int 1 50",
    "ds18b20": "bus onewire !\nproperty property\nrom rom",
    "rm3100": "bus i2c !\naddress address 32 35 =32\nthreshold_nt int 100 100000\nheartbeat_s int 1 86400\n"
    "sample_ms int 50 60000\ndeviation bool",
    "pulse": "pin pin !\nproperty property\ndebounce_ms int 0 10000\nedge text",
}
DRIVERS = ("bme280", "sds011", "a02yyuw", "ds18b20", "rm3100", "pulse")
BUSES = ("i2c", "uart", "onewire")
SECTIONS = ("network", "mqtt", "time", "buses", "sensors", "spool", "supply")
_IDENTIFIER = "abcdefghijklmnopqrstuvwxyz0123456789_"


class ConfigError(Exception):
    """problems: all mistakes, a sentence each. usable: the configuration without the parts that have mistakes."""

    def __init__(self, problems, usable):
        super().__init__("; ".join(problems))
        self.problems = problems
        self.usable = usable


def load(path="config.json", exists=None):
    """The configuration in a file, checked, with defaults. ConfigError. exists(path) -> bool: files must be there."""
    try:
        with open(path) as file:
            config = json.load(file)
    except OSError:
        raise ConfigError([path + ": there is no such file; write one, README.md says how"], fill({}))
    except ValueError:
        raise ConfigError([path + ": this is not JSON: a comma, bracket or quotation mark is missing"], fill({}))
    problems = check(config, exists)
    if problems:
        raise ConfigError(problems, fill(usable(config, problems)))
    return fill(config)


def check(config, exists=None):
    """All mistakes of a configuration, each "path: what is wrong, what is allowed"."""
    return _Check(exists).whole(config)


def usable(config, problems):
    """The configuration without the parts that have mistakes, so that the rest of a board runs."""
    if not isinstance(config, dict):
        return {}
    config = json.loads(json.dumps(config))
    for _ in range(4):  # a bus that goes takes its sensors along in the next turn
        for problem in problems:
            path = problem[: problem.index(": ")].replace("[", ".").split(".")
            section = config.get(path[0])
            if path[0] in ("sensors", "buses") and len(path) > 1 and isinstance(section, dict) and path[1] in section:
                del section[path[1]]
            else:
                config.pop(path[0], None)
        problems = check(config)
    return config


def fill(config):
    """A sound configuration with all defaults in it, and with each sensor's bus in place of its name."""
    filled = _defaults("", config)
    filled["network"] = config.get("network") or {}
    filled["time"] = config.get("time") or {}
    filled["mqtt"] = _defaults("mqtt", config["mqtt"]) if config.get("mqtt") else None
    filled["spool"] = _defaults("spool", config.get("spool") or {})
    filled["supply"] = _defaults("supply", config["supply"]) if config.get("supply") else None
    buses = {name: _defaults(bus["type"], bus) for name, bus in (config.get("buses") or {}).items()}
    filled["buses"] = buses
    filled["sensors"] = {}
    for name, sensor in (config.get("sensors") or {}).items():
        sensor = _defaults(sensor["driver"], sensor)
        if "bus" in sensor:
            sensor["bus"] = buses[sensor["bus"]]
        filled["sensors"][name] = sensor
    return filled


def _defaults(section, values):
    filled = dict(values)
    for line in RULES[section].split("\n"):
        words = line.split(" ")
        if words[-1][0] == "=":
            filled.setdefault(words[0], json.loads(words[-1][1:]))
    return filled


class _Check:
    def __init__(self, exists):
        self._exists = exists
        self._problems = []
        self._pins = {}
        self._buses = {}

    def _say(self, path, sentence):
        self._problems.append(path + ": " + sentence)

    def whole(self, config):
        if not isinstance(config, dict):
            return ["config.json: expected an object {…}, got " + _short(config)]
        self._section("", {key: config[key] for key in config if key not in SECTIONS}, ("",), SECTIONS)
        for name in SECTIONS:
            if name in config and not isinstance(config[name], dict):
                self._say(name, "expected an object {…}, got " + _short(config[name]))
        sections = {name: config.get(name) for name in SECTIONS if isinstance(config.get(name), dict)}
        if "mqtt" not in config:
            self._say("mqtt", "is missing; without a broker nothing can be sent: add host, ca, cert and key")
        elif "mqtt" in sections:
            self._mqtt(sections["mqtt"])
        self._network(sections.get("network", {}))
        self._time(sections.get("time", {}))
        for name in ("spool", "supply"):
            if name in sections:
                self._section(name, sections[name], (name,))
        self._all_buses(sections.get("buses", {}))
        self._all_sensors(sections.get("sensors", {}))
        return self._problems

    def _mqtt(self, mqtt):
        self._section("mqtt", mqtt, ("mqtt",))
        if mqtt.get("tls", True) is not False:
            if "ca" not in mqtt:
                self._say("mqtt.ca", 'is missing; name the file with the authority\'s certificate, such as "ca.der"')
            for one, other in (("cert", "key"), ("key", "cert")):
                if one in mqtt and other not in mqtt:
                    self._say("mqtt." + other, "is missing; certificate and key belong together")

    def _network(self, network):
        self._known("network", network, ("wifi",))
        wifi = network.get("wifi", [])
        if not isinstance(wifi, list):
            self._say("network.wifi", "expected a list of {ssid, password}, got " + _short(wifi))
            return
        for i, entry in enumerate(wifi):
            path = "network.wifi[%d]" % i
            if not isinstance(entry, dict):
                self._say(path, "expected an object {ssid, password}")
                continue
            self._section(path, entry, ("wifi",))
            password = entry.get("password")
            if isinstance(password, str) and not 8 <= len(password) <= 63:
                self._say(
                    path + ".password", "a Wi-Fi password has 8 to 63 characters; leave it out for an open network"
                )

    def _time(self, time):
        self._known("time", time, ("servers",))
        servers = time.get("servers", [])
        if not isinstance(servers, list) or not all(isinstance(name, str) and name for name in servers):
            self._say("time.servers", "expected a list of names or addresses, got " + _short(servers))

    def _all_buses(self, buses):
        ids = {}  # type: ignore[var-annotated]
        for name, bus in sorted(buses.items()):
            path = "buses." + name
            self._identifier(path, name)
            if not isinstance(bus, dict):
                self._say(path, "expected an object {…}, got " + _short(bus))
                continue
            kind = bus.get("type")
            if kind not in BUSES:
                self._say(path + ".type", _not_among(kind, BUSES))
                continue
            self._buses[name] = kind
            self._section(path, bus, (kind,))
            unit = "%s %s" % (kind, bus.get("id"))
            if "id" in bus and unit in ids:
                self._say(path + ".id", "%s is already used by %s" % (unit, ids[unit]))
            ids[unit] = path

    def _all_sensors(self, sensors):
        addresses = {}  # type: ignore[var-annotated]
        for name, sensor in sorted(sensors.items()):
            path = "sensors." + name
            self._identifier(path, name)
            if not isinstance(sensor, dict):
                self._say(path, "expected an object {…}, got " + _short(sensor))
                continue
            driver = sensor.get("driver")
            if driver not in DRIVERS:
                self._say(path + ".driver", _not_among(driver, DRIVERS))
                continue
            self._section(path, sensor, ("sensor", driver))
            if driver == "pulse" and sensor.get("edge", "rising") not in ("rising", "falling"):
                self._say(path + ".edge", _not_among(sensor["edge"], ("rising", "falling")))
            address = _defaults(driver, sensor).get("address")
            if address is not None:
                place = (str(sensor.get("bus")), str(address))
                if place in addresses:
                    self._say(path + ".address", "%s on this bus is already %s" % (address, addresses[place]))
                addresses[place] = path

    # Keys and values

    def _section(self, path, values, sections, also=()):
        rules = [line.split(" ") for section in sections for line in RULES[section].split("\n")]
        prefix = path + "." if path else ""
        self._known(path, values, [rule[0] for rule in rules] + list(also))
        for rule in rules:
            if rule[0] in values:
                self._value(prefix + rule[0], values[rule[0]], rule)
            elif rule[-1] == "!":
                self._say(prefix + rule[0], "is missing")

    def _known(self, path, values, names):
        for name in sorted(values):
            if name not in names:
                near = _nearest(name, names)
                hint = ' did you mean "%s"?' % near if near else " allowed are " + ", ".join(sorted(names))
                self._say((path + "." if path else "") + name, "there is no such key;" + hint)

    def _identifier(self, path, name):
        if not name or any(letter not in _IDENTIFIER for letter in name):
            self._say(path, "a name is made of a-z, 0-9 and _ only")
        elif name == "health":
            self._say(path, "this name is taken by the board's own values; choose another")

    def _value(self, path, value, rule):
        kind = rule[1]
        if kind == "secret":
            if not isinstance(value, str):
                self._say(path, "expected a text")
        elif kind == "text" or kind == "file":
            if not isinstance(value, str) or not value:
                self._say(path, "expected a text, got " + _short(value))
            elif kind == "file" and self._exists and not self._exists(value):
                self._say(path, 'the file "%s" is not there' % value)
        elif kind == "bool":
            if not isinstance(value, bool):
                self._say(path, "expected true or false, got " + _short(value))
        elif kind == "int" or kind == "address":
            self._whole(path, value, int(rule[2]), int(rule[3]))
        elif kind == "pin":
            if self._whole(path, value, 0, 48):
                if value in self._pins:
                    self._say(path, "pin %d is already used by %s" % (value, self._pins[value]))
                else:
                    self._pins[value] = path
        elif kind == "property":
            self._property(path, value)
        elif kind == "rom":
            if not isinstance(value, str) or len(value) != 16 or value.strip("0123456789abcdef"):
                self._say(path, "expected 16 lower-case hex digits, got " + _short(value))
        elif not isinstance(value, str) or value not in self._buses:  # kind is that of a bus
            names = [name for name in sorted(self._buses) if self._buses[name] == kind]
            self._say(
                path, "there is no sound bus %s; %s buses: %s" % (_short(value), kind, ", ".join(names) or "none")
            )
        elif self._buses[value] != kind:
            self._say(path, "%s is of type %s, this driver needs %s" % (value, self._buses[value], kind))

    def _whole(self, path, value, low, high):
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return True
        self._say(path, "expected a whole number from %d to %d, got %s" % (low, high, _short(value)))
        return False

    def _property(self, path, value):
        try:
            row(value)
        except (KeyError, TypeError):
            self._say(path, "%s is not in the property table" % _short(value))


def _short(value):
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _not_among(value, names):
    if value is None:
        return "is missing; allowed are " + ", ".join(names)
    near = _nearest(value, names) if isinstance(value, str) else None
    hint = '; did you mean "%s"?' % near if near else ""
    return "%s is not known; allowed are %s%s" % (_short(value), ", ".join(names), hint)


def _nearest(word, names):
    """The name with the fewest changed letters, if they are few enough to be a slip."""
    best, least = None, 3
    for name in names:
        distance = _distance(word, name)
        if distance < least and distance < len(name):
            best, least = name, distance
    return best


def _distance(a, b):
    # Levenshtein, one line of the table at a time.
    line = list(range(len(b) + 1))
    for i, x in enumerate(a):
        last, line[0] = i, i + 1
        for j, y in enumerate(b):
            last, line[j + 1] = line[j + 1], min(line[j + 1] + 1, line[j] + 1, last + (x != y))
    return line[len(b)]
