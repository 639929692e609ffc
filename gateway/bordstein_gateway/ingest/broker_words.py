"""Why there is no connection to the broker, in a sentence that says what to look at. Pure."""

import socket
import ssl

from ..texts import Sentence, both, os_reason

# OpenSSL's words of a certificate, by their beginnings.
_UNTRUSTED = {
    "certificate has expired": "es ist abgelaufen",
    "certificate is not yet valid": "es gilt noch nicht",
    "hostname mismatch": "es ist auf einen anderen Rechnernamen ausgestellt",
    "ip address mismatch": "es ist auf eine andere IP-Adresse ausgestellt",
    "self-signed certificate": "es ist von keiner bekannten Stelle unterschrieben",
    "self signed certificate": "es ist von keiner bekannten Stelle unterschrieben",
    "unable to get local issuer certificate": "es ist von keiner bekannten Stelle unterschrieben",
}


def connect_error(error: Exception, where: str, at: str = "mqtt.") -> Sentence:
    """For what opening a connection raised. `at`: what stands before the options' names."""
    if isinstance(error, ssl.SSLCertVerificationError):
        german, why = untrusted(error)
        return both(
            f"Dem Zertifikat des Brokers {where} ist nicht zu trauen: {german}; {at}ca und {at}host prüfen.",
            f"The broker {where} can't be trusted: {why}; look at {at}ca and {at}host.",
        )
    if isinstance(error, ssl.SSLError):
        return both(
            f"TLS mit dem Broker {where} kam nicht zustande ({_short(error)}); {at}port, {at}cert und {at}key prüfen.",
            f"TLS with the broker {where} failed ({_short(error)}); look at {at}port, {at}cert and {at}key.",
        )
    if isinstance(error, socket.gaierror):
        return both(
            f"Der Name des Brokers {where} ist nicht bekannt; {at}host und den Nameserver prüfen.",
            f"The name of the broker {where} is not known; look at {at}host and the name server.",
        )
    if isinstance(error, ConnectionRefusedError):
        return both(
            f"Unter {where} nimmt niemand Verbindungen an; läuft der Broker? Sonst {at}host und {at}port prüfen.",
            f"Nobody listens at {where}; is the broker running? Else look at {at}host and {at}port.",
        )
    if isinstance(error, TimeoutError):
        return both(
            f"Der Broker {where} antwortet nicht; {at}host, {at}port und die Firewall prüfen.",
            f"The broker {where} does not answer; look at {at}host, {at}port and the firewall.",
        )
    german = os_reason(error) if isinstance(error, OSError) else _short(error)
    return both(
        f"Keine Verbindung zum Broker {where}: {german}; {at}host, {at}port und {at}tls prüfen.",
        f"No connection to the broker {where}: {_short(error)}; look at {at}host, {at}port and {at}tls.",
    )


def untrusted(error: ssl.SSLCertVerificationError) -> tuple[str, str]:
    """Why a certificate is not believed, in German and English."""
    why = error.verify_message.rstrip(".")
    return next((text for start, text in _UNTRUSTED.items() if why.lower().startswith(start)), why), why


def refused(reason: str, where: str, at: str = "mqtt.") -> Sentence:
    """For the reason in a CONNACK."""
    low = reason.lower()
    de, en = f"Der Broker {where} weist", f"The broker {where} refuses"
    if "password" in low or "not auth" in low:
        return both(
            f"{de} das Gateway ab ({reason}); "
            f"{at}username und {at}password_file prüfen, oder das Zertifikat in {at}cert.",
            f"{en} the gateway ({reason}); "
            f"look at {at}username and {at}password_file, or at the certificate in {at}cert.",
        )
    if "identifier" in low:
        return both(
            f"{de} die Client-ID ab ({reason}); {at}client_id prüfen.",
            f"{en} the client id ({reason}); look at {at}client_id.",
        )
    if "version" in low or "protocol" in low:
        return both(
            f"Der Broker {where} spricht diese Version von MQTT nicht ({reason}); {at}protocol umstellen.",
            f"The broker {where} does not speak this MQTT version ({reason}); set {at}protocol to the other one.",
        )
    return both(f"{de} das Gateway ab ({reason}).", f"{en} the gateway ({reason}).")


def subscription_refused(topic: str, reason: str, where: str) -> Sentence:
    """For a reason in a SUBACK."""
    return both(
        f"Der Broker {where} lässt das Gateway {topic} nicht lesen ({reason}); die Zugriffsliste des Brokers prüfen.",
        f"The broker {where} does not let the gateway read {topic} ({reason}); look at the broker's access list.",
    )


def thrown_off(client_id: str, where: str, at: str = "mqtt.") -> Sentence:
    """For connections that end soon after they came up, again and again, with a broker that takes the next at once."""
    return both(
        f"Ein anderes Programm scheint sich am Broker {where} mit der client_id {client_id} anzumelden "
        f"(ein zweites Gateway?): Messwerte verteilen sich auf beide; eines davon beenden oder {at}client_id ändern.",
        f"Another program seems to connect to the broker {where} with client_id {client_id} "
        f"(a second gateway?): readings go to one or the other; end one of them or change {at}client_id.",
    )


def disconnected(said: str, error: Exception | None, where: str, *, came_up: bool, at: str = "mqtt.") -> Sentence:
    """For a connection that ended. `said`: the reason the broker gave; `came_up`: whether messages came before."""
    if said and "normal" not in said.lower():
        return both(
            f"Der Broker {where} hat die Verbindung beendet ({said}).",
            f"The broker {where} ended the connection ({said}).",
        )
    if isinstance(error, ssl.SSLError) and not came_up:
        return both(
            f"Der Broker {where} weist das Zertifikat des Gateways ab ({_short(error)}); {at}cert und {at}key prüfen.",
            f"The broker {where} refuses the gateway's certificate ({_short(error)}); look at {at}cert and {at}key.",
        )
    if not came_up:
        return both(
            f"Der Broker {where} hat die Verbindung sofort beendet; sein Log, das Zertifikat und das Passwort prüfen.",
            f"The broker {where} ended the connection at once; look at its log, the certificate and the password.",
        )
    return both(f"Die Verbindung zum Broker {where} ist abgebrochen.", f"The connection to the broker {where} broke.")


def _short(error: Exception) -> str:
    text = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).replace("_", " ").lower() if isinstance(error, ssl.SSLError) else str(text)
