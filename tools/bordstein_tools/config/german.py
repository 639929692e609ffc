"""The sentences of the board's checker in German. A board says them in English only, to save its memory.

A sentence is "path: what is wrong"; SENTENCES has a line for each form that it can have. What it quotes from the
configuration stays as it is.
"""

import json
import re

_EXPECTED = {
    r"an object \{…\}": "ein Objekt {…}",
    r"a list of names or addresses": "eine Liste von Namen oder Adressen",
    r"true or false": "true oder false",
    r"16 lower-case hex digits": "16 Hexadezimalziffern, klein geschrieben",
    r"a whole number from (\S+) to (\S+)": r"eine ganze Zahl von \1 bis \2",
    r"a text": "ein Text",
    r"a text without control characters": "ein Text ohne Steuerzeichen",
    r"a name or an IPv4 address alone": "nur ein Name oder eine IPv4-Adresse",
    r"an IPv4 address such as 192\.0\.2\.7": "eine IPv4-Adresse wie 192.0.2.7",
    r"32 bytes at most": "höchstens 32 Bytes",
}
SENTENCES = {
    **{
        rf"expected {en}, got (.+)": rf"erwartet wird {de}, da steht \{en.count('(') + 1}"
        for en, de in _EXPECTED.items()
    },
    # Where what stands there may be a secret.
    r"expected a text": "erwartet wird ein Text",
    r"expected an object \{…\}": "erwartet wird ein Objekt {…}",
    r"expected a list of \{ssid, password\}": "erwartet wird eine Liste von {ssid, password}",
    r"expected an object \{ssid, password\}": "erwartet wird ein Objekt {ssid, password}",
    r"is missing": "fehlt",
    r"is missing; without a broker nothing can be sent: add host, ca, cert and key": "fehlt; ohne Broker lässt sich "
    "nichts senden: bitte host, ca, cert und key angeben",
    r'is missing; name the file with the authority\'s certificate, such as "ca\.der"': "fehlt; bitte die Datei mit dem "
    "Zertifikat der Zertifizierungsstelle angeben, zum Beispiel „ca.der“",
    r"is missing; certificate and key belong together": "fehlt; Zertifikat und Schlüssel gehören zusammen",
    r"is missing; each of several sensors on one line needs its own": "fehlt; von mehreren Sensoren an einer Leitung "
    "braucht jeder seine eigene",
    r"is missing; deadband and statistics need it": "fehlt; deadband und statistics brauchen es",
    r"a board has one way into the network; keep one of (.+)": r"ein Gerät hat einen Weg ins Netz; bitte nur eines "
    r"davon: \1",
    r"is missing; allowed are (.+)": r"fehlt; möglich sind \1",
    r'there is no such key; did you mean "(.+)"\?': r"diesen Schlüssel gibt es nicht; gemeint ist vielleicht „\1“",
    r"there is no such key; allowed are (.+)": r"diesen Schlüssel gibt es nicht; möglich sind \1",
    r'(.+) is not known; allowed are (.+); did you mean "(.+)"\?': r"\1 ist nicht bekannt; möglich sind \2; gemeint "
    r"ist vielleicht „\3“",
    r"(.+) is not known; allowed are (.+)": r"\1 ist nicht bekannt; möglich sind \2",
    r"a Wi-Fi password has 8 to 63 characters; leave it out for an open network": "ein WLAN-Passwort hat 8 bis 63 "
    "Zeichen; für ein offenes Netz weglassen",
    r"a sensor that sleeps needs (\d+) s or more to wake up": r"ein Sensor, der schläft, braucht mindestens \1 s zum "
    "Aufwachen",
    r"needs (\d+) s to warm up and be read; sleep\.every_s is less": r"braucht \1 s zum Warmwerden und Lesen; "
    "sleep.every_s ist kürzer",
    r"is missing; a board that sleeps counts only what wakes it: set it to true": "fehlt; ein Gerät, das schläft, "
    "zählt nur, was es weckt: bitte auf true setzen",
    r"only one pin can wake a board, and (.+) has that already": r"nur ein Pin kann ein Gerät wecken, und das "
    r"tut schon \1",
    r"pin (\d+) can't wake this chip from deep sleep": r"Pin \1 kann diesen Chip nicht aus dem Tiefschlaf wecken",
    r"a name is made of a-z, 0-9 and _ only": "ein Name besteht nur aus a-z, 0-9 und _",
    r"this name is taken by the board's own values; choose another": "so heißen die eigenen Werte des Geräts; bitte "
    "einen anderen Namen wählen",
    r"there is no sound bus (.+); (\w+) buses: none": r"einen fehlerfreien Bus \1 gibt es nicht; \2-Busse: keine",
    r"there is no sound bus (.+); (\w+) buses: (.+)": r"einen fehlerfreien Bus \1 gibt es nicht; \2-Busse: \3",
    r"(.+) is of type (\w+), this driver needs (\w+)": r"\1 hat den Typ \2, dieser Treiber braucht \3",
    r"pin (\d+) is already used by (.+)": r"Pin \1 wird schon von \2 benutzt",
    r"(.+) is already used by (.+)": r"\1 wird schon von \2 benutzt",
    r"(.+) is already taken by (.+)": r"\1 ist schon durch \2 belegt",
    r"this chip has no pin (\d+)": r"einen Pin \1 hat dieser Chip nicht",
    r"pin (\d+) belongs to the flash memory: the board would stop": r"Pin \1 gehört zum Flash-Speicher: das Gerät "
    "bliebe stehen",
    r"pin (\d+) belongs to the USB console": r"Pin \1 gehört zur USB-Konsole",
    r"pin (\d+) can only be an input": r"Pin \1 kann nur ein Eingang sein",
    r"pin (\d+) measures no voltage beside Wi-Fi; those of ADC1 do": r"Pin \1 misst neben WLAN keine Spannung; die von "
    "ADC1 können es",
}
_FORMS = [(re.compile(rf"(?s): {english}\Z"), german) for english, german in SENTENCES.items()]
_ESCAPED = re.compile(r"(?:\\u[0-9a-f]{4})+|\\[^u]")


def german(line: str) -> str:
    """The same in German; a sentence that is not known stays as it is."""
    for form, sentence in _FORMS:
        match = form.search(line)
        if match:
            return f"{line[: match.start()]}: {match.expand(sentence)}"
    return line


def readable(line: str) -> str:
    r"""With ü in place of \u00fc, as far as it can be printed: the board quotes values as ASCII."""
    return _ESCAPED.sub(_printable, line)


def _printable(escaped: re.Match[str]) -> str:
    text = escaped[0]
    if text[1] != "u":
        return text
    letters: str = json.loads(f'"{text}"')
    return letters if letters.isprintable() else text
