"""Cause and cure for what a board complains of. Its sentences are English and often say what to look at; these say it
in the technician's language, and where to look on this side of the cable."""

import re

from ..texts import pick

_Hints = list[tuple[str, str, str]]

_SENSORS: _Hints = [
    (
        r"this is (another|a BMP280)",
        "Dort hängt ein anderer Chip: „driver“ und „address“ in der Konfiguration prüfen, oder das Modul tauschen.",
        'Another chip hangs there: check "driver" and "address" in the configuration, or change the module.',
    ),
    (
        r"`\w+`.*(one of|has to be|the same)|its address is",
        "In der Konfiguration des Sensors berichtigen, was da in Anführungszeichen steht, und sie neu schreiben.",
        "Correct in the sensor's configuration what is named there, and write it again.",
    ),
    (
        r"no answer|no data|not found|chip hangs",
        "Der Sensor antwortet nicht: Stecker, Strom (3,3 oder 5 V), Leitungen und Pins prüfen, dann die Adresse in der "
        "Konfiguration.",
        "The sensor does not answer: check plug, supply (3.3 or 5 V), wires and pins, then the address in the "
        "configuration.",
    ),
    (
        r"check sum|frames?\b|read wrong|on the line|power-on|short to ground|does not keep|lost its settings|wiring",
        "Gestörte Übertragung oder Versorgung: Leitung kürzer, Stecker fester, Masse und Strom prüfen; bleibt es so, "
        "den Sensor tauschen.",
        "Disturbed transfer or supply: shorter wires, firmer plugs, check ground and power; if it stays so, change "
        "the sensor.",
    ),
    (
        r"stuck",
        "Der Sensor liefert immer genau dasselbe: aus- und wieder einschalten, sonst tauschen.",
        "The sensor gives exactly the same for ever: switch it off and on, else change it.",
    ),
    (
        r"echo|it can measure",
        "Der Abstand liegt außerhalb dessen, was der Sensor misst: Sitz, Ausrichtung und freie Sicht prüfen.",
        "The distance is beyond what the sensor measures: check its seat, direction and free view.",
    ),
    (
        r"contact|bounces",
        "Der Kontakt prellt oder ist lose: befestigen, oder debounce_ms vergrößern.",
        "The contact bounces or is loose: fasten it, or make debounce_ms larger.",
    ),
    (
        r"damaged|dirty|faulty|fails|fan|broken|not connected|power",
        "Der Sensor ist verschmutzt oder schadhaft: reinigen, sonst tauschen.",
        "The sensor is dirty or damaged: clean it, else change it.",
    ),
]
_SENSOR_ELSE = (
    "Sensor und Verkabelung prüfen; hilft das nicht, den Sensor tauschen.",
    "Check the sensor and its wires; if that does not help, change the sensor.",
)
_NETWORK: _Hints = [
    (
        r"wrong password",
        "Das WLAN-Passwort in config.json berichtigen und mit „bordstein configure apply“ schreiben.",
        'Correct the Wi-Fi password in config.json and write it with "bordstein configure apply".',
    ),
    (
        r"no such network",
        "Dieses WLAN ist hier nicht zu empfangen: den Namen prüfen (Groß und klein), und dass es auf 2,4 GHz sendet.",
        "This Wi-Fi is not to be received here: check its name (upper and lower case), and that it sends on 2.4 GHz.",
    ),
    (
        r"refuses the board|went silent",
        "Der Zugangspunkt lässt das Gerät nicht hinein: MAC-Filter, volle Liste oder nur WPA3? Dort nachsehen.",
        "The access point does not let the board in: MAC filter, full list, or WPA3 only? Look there.",
    ),
    (
        r"cable|DHCP",
        "Netzwerkkabel und Switch prüfen, und ob dort Adressen vergeben werden (DHCP).",
        "Check the network cable and the switch, and that addresses are given out there (DHCP).",
    ),
    (
        r"SIM",
        "Die SIM-Karte prüfen: Sitz, PIN (network.ppp.pin) und Vertrag.",
        "Check the SIM card: its seat, PIN (network.ppp.pin) and contract.",
    ),
    (
        r"modem",
        "Das Modem antwortet nicht: Strom, Einschaltleitung und UART-Leitungen prüfen.",
        "The modem does not answer: check its power, its power key and the wires of the UART.",
    ),
    (
        r"coverage|no mobile network",
        "Kein Mobilfunknetz: Antenne prüfen; gibt es hier Empfang?",
        "No mobile network: check the antenna; is there coverage here?",
    ),
    (r"APN", "APN und Vertrag prüfen.", "Check APN and contract."),
]
_NETWORK_ELSE = (
    "Ist das Netz in Reichweite, und stimmt „network“ in der Konfiguration?",
    'Is the network in reach, and is "network" in the configuration right?',
)
_LINK: _Hints = [
    (
        r"does not know it|knows no IPv4|is no host name",
        "Diesen Namen gibt es nicht: mqtt.host in der Konfiguration prüfen, oder ihn im Nameserver eintragen lassen.",
        "There is no such name: check mqtt.host in the configuration, or have it entered in the name server.",
    ),
    (
        r"no name server answered|can't be looked up",
        "Der Nameserver antwortet nicht: Netz und DHCP prüfen, oder in mqtt.host eine Adresse eintragen, die auch im "
        "Zertifikat des Brokers steht.",
        "The name server does not answer: check network and DHCP, or put an address into mqtt.host that stands in the "
        "broker's certificate, too.",
    ),
    (
        r"validity has expired|expired",
        "Das Zertifikat des Brokers ist abgelaufen: mit „bordstein ca issue broker“ ein neues ausstellen. Sonst geht "
        "die Uhr des Geräts falsch.",
        "The broker's certificate has expired: issue a new one with \"bordstein ca issue broker\". Or else the board's "
        "clock is wrong.",
    ),
    (
        r"validity starts in the future|future",
        "Die Uhr des Geräts geht nach, oder die des Rechners, der das Zertifikat ausstellte.",
        "The board's clock is slow, or that of the computer which issued the certificate is fast.",
    ),
    (
        r"does not match with the expected CN|Common Name",
        "Im Zertifikat des Brokers steht ein anderer Name: mqtt.host muss einer sein, für den „bordstein ca issue "
        "broker“ es ausgestellt hat.",
        "The broker's certificate has another name in it: mqtt.host has to be one for which \"bordstein ca issue "
        'broker" issued it.',
    ),
    (
        r"not correctly signed|trusted CA|CERT_VERIFY|verification failed",
        "Broker und Gerät gehören zu verschiedenen Zertifizierungsstellen: ca.der auf dem Gerät und das Zertifikat des "
        "Brokers müssen aus demselben bordstein-ca stammen.",
        "Broker and board belong to different authorities: ca.der on the board and the broker's certificate have to "
        "come from the same bordstein-ca.",
    ),
    (
        r"-30592|FATAL_ALERT|certificate known there|closed the connection|OSError\(32,",
        "Der Broker nimmt das Zertifikat des Geräts nicht an: Ist es von derselben Zertifizierungsstelle, nicht "
        "gesperrt und nicht abgelaufen? „bordstein setup“ stellt ein neues aus.",
        "The broker does not take the board's certificate: is it of the same authority, not revoked and not expired? "
        '"bordstein setup" issues a new one.',
    ),
    (
        r"refuses a subscription|refuses the connection",
        "Der Broker weist das Gerät ab: bordstein.acl dort prüfen („bordstein-gateway init“ schreibt sie).",
        'The broker turns the board away: check bordstein.acl there ("bordstein-gateway init" writes it).',
    ),
    (
        r"can't be reached|no connection to the broker|ECONN|EHOST|ETIMEDOUT|handshake takes|does not answer",
        "Der Broker ist nicht zu erreichen: Läuft er, stimmen mqtt.host und mqtt.port, lässt die Firewall ihn durch?",
        "The broker is out of reach: does it run, are mqtt.host and mqtt.port right, does the firewall let it through?",
    ),
]
_LINK_ELSE = (
    "Broker und Netz prüfen; „bordstein-gateway doctor“ auf dem Server sagt mehr.",
    'Check broker and network; "bordstein-gateway doctor" on the server says more.',
)


def sensor(complaint: str) -> str:
    """What to do about a sensor that fails."""
    return _first(_SENSORS, complaint, _SENSOR_ELSE)


def network(complaint: str) -> str:
    """What to do about a network that the board does not get into."""
    return _first(_NETWORK, complaint, _NETWORK_ELSE)


def link(complaint: str) -> str:
    """What to do about a broker that the board does not get to."""
    return _first(_LINK, complaint, _LINK_ELSE)


def _first(hints: _Hints, complaint: str, otherwise: tuple[str, str]) -> str:
    for form, de, en in hints:
        if re.search(form, complaint):
            return pick(de, en)
    return pick(*otherwise)
