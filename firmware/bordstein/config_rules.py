"""What may stand in a configuration, and its defaults. Pure: the tools carry this file.

What a section may contain stands in RULES, and for a driver in its OPTIONS, a line a key: its kind, limits, and "!"
when it must be there or "=value" for its default.
"""

import json

# kinds: text, host (name or address), ip, ssid, secret (never shown), file, int low high, bool, one (of the words that
# follow), pin (a GPIO number; out, in or adc says what for), address low high (I2C), rom (1-wire), or the type of the
# bus whose name stands there
RULES = {
    "": "name text\nboard text\nhealth_s int 10 86400 =300\nled pin out\ntrial_s int 10 86400 =900",
    "mqtt": "host host !\nport int 1 65535 =8883\ntls bool =true\nca file\ncert file\nkey file\n"
    "keepalive_s int 5 3600 =60",
    "spool": "max_kb int 32 16384 =512\nbatch_s int 0 86400 =0",
    "sleep": "every_s int 10 86400 !\nsend_each int 1 1000 =6\nlimit_s int 30 3600 =180\nstay_s int 0 3600 =300",
    "supply": "pin pin adc !\nfactor int 1000 100000 =2000",
    "wifi": "ssid ssid !\npassword secret",
    "ethernet": "phy one lan8720 lan8710 ip101 rtl8201 dp83848 ksz8041 !\naddress int 0 31 =0\nmdc pin out !\n"
    "mdio pin out !\npower pin out\nclock pin out\nclock_out bool =false",
    "ppp": "bus uart !\napn text !\npin secret\nuser text\npassword secret\npower pin out\nkey_ms int 100 10000 =1200",
    "ds3231": "bus i2c !",
    "address": "ip ip !\nmask ip !\ngateway ip !\ndns ip !",
    "i2c": "type text\nid int 0 1 !\nscl pin out !\nsda pin out !\nfreq int 10000 1000000 =100000",
    # Without tx the port takes GPIO 10 (flash) or 17 for it, so one has to be named even where nobody listens.
    "uart": "type text\nid int 1 2 !\ntx pin out !\nrx pin in !",
    "onewire": "type text\npin pin out !",
    "sensor": "driver text !\ninterval_s int 1 86400\nsample_s int 1 3600\ndeadband int 0 1000000\nstatistics bool\n"
    "power pin out",
}


def parse(text):
    """The JSON in a configuration's text. Windows editors put a byte order mark before it."""
    return json.loads(text[1:] if text[:1] == "\ufeff" else text)


def defaults(section, values, rules=None):
    """The values of a section (or of what has those rules), with the defaults of what is not there."""
    filled = dict(values)
    rules = rules or RULES[section]
    # Not by lines and words: MicroPython looks each text that is made up in its table of names, and a board that sleeps
    # does this at each wake-up.
    at = rules.find(" =")
    while at >= 0:
        begin, end = rules.rfind("\n", 0, at) + 1, rules.find("\n", at)
        value = rules[at + 2 : end] if end >= 0 else rules[at + 2 :]
        filled.setdefault(rules[begin : rules.find(" ", begin)], json.loads(value))
        at = rules.find(" =", at + 2)
    return filled
