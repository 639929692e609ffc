"""The checker of a configuration that says all mistakes. Pure: the tools carry this file and config_rules.py, and read
the drivers' rules in their own way. firmware/README.md describes the keys for people.
"""

import json

BUSES = ("i2c", "uart", "onewire")
SECTIONS = ("network", "mqtt", "time", "buses", "sensors", "spool", "sleep", "supply")
_IDENTIFIER = "abcdefghijklmnopqrstuvwxyz0123456789_"
_PINS = (  # key in [pins], uses that it forbids, why
    ("missing", "out in adc", "this chip has no pin %d"),
    ("flash", "out in adc", "pin %d belongs to the flash memory: the board would stop"),
    ("console", "out in adc", "pin %d belongs to the USB console"),
    ("input_only", "out", "pin %d can only be an input"),
)
_READING_S = 15  # what a reading takes at most, beyond the warm-up


class Check:
    """problems: a sentence each. parts: what has mistakes, (key,) or ("sensors", name), ("buses", name) …

    exists(path) -> bool: files must be there. pins: what a board's pins are good for, as in [pins] of boards/*.toml.
    drivers: has names() and load(name), which gives what has OPTIONS and WARM_UP_S; rules: the module config_rules;
    None: those of this firmware.
    """

    def __init__(self, exists=None, pins=None, drivers=None, rules=None):
        if drivers is None:
            from bordstein import sensors as drivers
        if rules is None:
            from bordstein import config_rules as rules
        self._rules = rules.RULES
        self._defaults = rules.defaults
        self._drivers = drivers
        self.problems = []
        self.parts = set()
        self._part = None  # what is looked at; None: the top level, where each key is a part of its own
        self._exists = exists
        self._chip = pins or {}
        self._pins = {}  # number: path of what uses it
        self._buses = {}  # name: type
        self._places = {}  # (bus, address, name or rom): path of what is there

    def _say(self, path, sentence):
        self.problems.append(path + ": " + sentence)
        self.parts.add(self._part or (path,))

    def _expected(self, path, what, value):
        self._say(path, "expected %s, got %s" % (what, _short(value)))

    def whole(self, config):
        """All mistakes of a configuration, each "path: what is wrong, what is allowed"."""
        if not isinstance(config, dict):
            return ["config.json: expected an object {…}, got " + _short(config)]
        self._section("", {key: config[key] for key in config if key not in SECTIONS}, self._rules[""], SECTIONS)
        for name in SECTIONS:
            if name in config and not isinstance(config[name], dict):
                self._expected(name, "an object {…}", config[name])
        sections = {name: config.get(name) for name in SECTIONS if isinstance(config.get(name), dict)}
        if "mqtt" not in config:
            self._say("mqtt", "is missing; without a broker nothing can be sent: add host, ca, cert and key")
        elif "mqtt" in sections:
            self._mqtt(sections["mqtt"])
        for name in ("spool", "sleep", "supply"):
            if name in sections:
                self._part = (name,)
                self._section(name, sections[name], self._rules[name])
        self._all_buses(sections.get("buses", {}))
        self._time(sections.get("time", {}))
        self._network(sections.get("network", {}))
        self._all_sensors(sections.get("sensors", {}))
        if "sleep" in sections:
            self._sleep(sections["sleep"], sections.get("sensors", {}))
        return self.problems

    def _mqtt(self, mqtt):
        self._part = ("mqtt",)
        self._section("mqtt", mqtt, self._rules["mqtt"])
        if mqtt.get("tls", True) is not False:
            if "ca" not in mqtt:
                self._say("mqtt.ca", 'is missing; name the file with the authority\'s certificate, such as "ca.der"')
            for one, other in (("cert", "key"), ("key", "cert")):
                if one in mqtt and other not in mqtt:
                    self._say("mqtt." + other, "is missing; certificate and key belong together")

    def _sleep(self, sleep, sensors):
        """A board that sleeps hears only what wakes it, and one pin can."""
        waking = None
        for name, sensor in sorted(sensors.items()):
            path = "sensors." + name
            self._part = ("sensors", name)
            if self._part in self.parts:
                continue  # first things first
            driver = self._drivers.load(sensor["driver"])
            least = driver.WARM_UP_S + _READING_S
            if isinstance(sleep.get("every_s"), int) and sleep["every_s"] < least:
                self._say(path + ".driver", "needs %d s to warm up and be read; sleep.every_s is less" % least)
            if "\nwake " not in driver.OPTIONS:
                continue
            if sensor.get("wake") is not True:
                self._say(path + ".wake", "is missing; a board that sleeps counts only what wakes it: set it to true")
            elif waking:
                self._say(path + ".wake", "only one pin can wake a board, and %s has that already" % waking)
            elif sensor["pin"] not in self._chip.get("wake", (sensor["pin"],)):
                self._say(path + ".pin", "pin %d can't wake this chip from deep sleep" % sensor["pin"])
            waking = path

    def _network(self, network):
        self._part = ("network",)
        self._known("network", network, ("wifi", "ethernet", "ppp", "address"))
        ways = [
            name
            for name in ("wifi", "ethernet", "ppp")
            if isinstance(network.get(name), (dict, list)) and network[name]
        ]
        if len(ways) > 1:
            self._say("network", "a board has one way into the network; keep one of " + ", ".join(ways))
        for name in ("ethernet", "ppp", "address"):
            if name in network and isinstance(network[name], dict):
                self._section("network." + name, network[name], self._rules[name])
                if name == "ppp":
                    self._alone("network.ppp", network[name], {})
            elif name in network:  # what stands there may be a password or a PIN: it is not said
                self._say("network." + name, "expected an object {…}")
        wifi = network.get("wifi", [])
        if not isinstance(wifi, list):
            self._say("network.wifi", "expected a list of {ssid, password}")
            return
        for i, entry in enumerate(wifi):
            path = "network.wifi[%d]" % i
            if not isinstance(entry, dict):
                self._say(path, "expected an object {ssid, password}")
                continue
            self._section(path, entry, self._rules["wifi"])
            password = entry.get("password")
            if isinstance(password, str) and not 8 <= len(password.encode()) <= 63:
                self._say(
                    path + ".password", "a Wi-Fi password has 8 to 63 characters; leave it out for an open network"
                )

    def _time(self, time):
        self._part = ("time",)
        self._known("time", time, ("servers", "ds3231"))
        servers = time.get("servers", [])
        if not isinstance(servers, list):
            self._expected("time.servers", "a list of names or addresses", servers)
            servers = []
        for i, server in enumerate(servers):
            self._value("time.servers[%d]" % i, server, ("", "host"))
        chip = time.get("ds3231")
        self._part = ("time", "ds3231")  # without it the servers are still good
        if isinstance(chip, dict):
            self._section("time.ds3231", chip, self._rules["ds3231"])
            if isinstance(chip.get("bus"), str):
                self._places[(chip["bus"], "104")] = "time.ds3231"  # the only address that it has
        elif "ds3231" in time:
            self._expected("time.ds3231", "an object {…}", chip)

    def _all_buses(self, buses):
        ids = {}  # type: ignore[var-annotated]
        for name, bus in sorted(buses.items()):
            path = "buses." + name
            self._part = ("buses", name)
            self._identifier(path, name)
            if not isinstance(bus, dict):
                self._expected(path, "an object {…}", bus)
                continue
            kind = bus.get("type")
            if kind not in BUSES:
                self._say(path + ".type", _not_among(kind, BUSES))
                continue
            self._buses[name] = kind
            self._section(path, bus, self._rules[kind])
            unit = "%s %s" % (kind, bus.get("id"))
            if "id" in bus and unit in ids:
                self._say(path + ".id", "%s is already used by %s" % (unit, ids[unit]))
            ids[unit] = path

    def _all_sensors(self, sensors):
        names = self._drivers.names()
        for name, sensor in sorted(sensors.items()):
            path = "sensors." + name
            self._part = ("sensors", name)
            self._identifier(path, name)
            if not isinstance(sensor, dict):
                self._expected(path, "an object {…}", sensor)
                continue
            kind = sensor.get("driver")
            if kind not in names:
                self._say(path + ".driver", _not_among(kind, names))
                continue
            try:
                driver = self._drivers.load(kind)
            except (ImportError, SyntaxError, ValueError) as error:
                self._say(path + ".driver", "%s can't be loaded (%s); copy the firmware again" % (kind, error))
                continue
            self._section(path, sensor, self._rules["sensor"] + "\n" + driver.OPTIONS)
            self._alone(path, self._defaults("", sensor, driver.OPTIONS), sensors)
            least = driver.WARM_UP_S + _READING_S
            key = "sample_s" if "sample_s" in sensor else "interval_s"
            value = sensor.get(key)
            if sensor.get("sleep") is True and isinstance(value, int) and 1 <= value < least:
                self._say(path + "." + key, "a sensor that sleeps needs %d s or more to wake up" % least)
            if key != "sample_s" and ("deadband" in sensor or "statistics" in sensor):
                self._say(path + ".sample_s", "is missing; deadband and statistics need it")

    def _alone(self, path, sensor, sensors):
        """No two sensors may answer at one place: a UART, an I2C address, a 1-wire line without their `rom`."""
        bus = sensor.get("bus")
        kind = self._buses.get(bus) if isinstance(bus, str) else None
        key = {"i2c": "address", "uart": "bus", "onewire": "rom"}.get(kind or "")
        if key == "rom" and "rom" not in sensor:
            if sum(1 for other in sensors.values() if isinstance(other, dict) and other.get("bus") == bus) > 1:
                self._say(path + ".rom", "is missing; each of several sensors on one line needs its own")
        elif key in sensor:
            place = (bus, str(sensor[key]))
            if place in self._places:
                self._say("%s.%s" % (path, key), "%s is already taken by %s" % (sensor[key], self._places[place]))
            self._places[place] = path

    # Keys and values

    def _section(self, path, values, rules, also=()):
        rules = [line.split(" ") for line in rules.split("\n")]
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
        elif kind in ("text", "host", "ip", "ssid", "file"):
            self._text(path, value, kind)
        elif kind == "bool":
            if not isinstance(value, bool):
                self._expected(path, "true or false", value)
        elif kind == "int" or kind == "address":
            self._whole(path, value, int(rule[2]), int(rule[3]))
        elif kind == "pin":
            self._pin(path, value, rule[2])
        elif kind == "one":
            if value not in rule[2:]:
                self._say(path, _not_among(value, rule[2:]))
        elif kind == "rom":
            if not isinstance(value, str) or len(value) != 16 or value.strip("0123456789abcdef"):
                self._expected(path, "16 lower-case hex digits", value)
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
        self._expected(path, "a whole number from %d to %d" % (low, high), value)
        return False

    def _text(self, path, value, kind):
        if not isinstance(value, str) or not value:
            self._expected(path, "a text", value)
        elif min(value) < " ":
            self._expected(path, "a text without control characters", value)
        elif kind == "host" and (value.lower().strip(_IDENTIFIER + "-.") or ".." in "." + value + "."):
            self._expected(path, "a name or an IPv4 address alone", value)
        elif kind == "ip" and not _is_address(value):
            self._expected(path, "an IPv4 address such as 192.0.2.7", value)
        elif kind == "ssid" and len(value.encode()) > 32:
            self._expected(path, "32 bytes at most", value)
        elif kind == "file" and self._exists and not self._exists(value):
            self._say(path, 'the file "%s" is not there' % value)

    def _pin(self, path, value, use):
        chip = self._chip
        if not self._whole(path, value, 0, chip.get("last", 48)):
            return
        for name, concerned, sentence in _PINS:
            if value in chip.get(name, ()) and use in concerned:
                self._say(path, sentence % value)
                return
        if use == "adc" and value not in chip.get("adc", (value,)):
            self._say(path, "pin %d measures no voltage beside Wi-Fi; those of ADC1 do" % value)
        elif value in self._pins:
            self._say(path, "pin %d is already used by %s" % (value, self._pins[value]))
        else:
            self._pins[value] = path


def _is_address(value):
    parts = value.split(".")
    return len(parts) == 4 and all(part.isdigit() and len(part) <= 3 and int(part) < 256 for part in parts)


def _short(value):
    if isinstance(value, (dict, list)):
        return "{…}" if isinstance(value, dict) else "[…]"  # however deep it is
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
    word = word[:40]
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
