"""Why there is no connection to the broker, in a sentence that says what to look at. Pure."""

import socket
import ssl


def connect_error(error: Exception, where: str) -> str:
    """For what opening a connection raised."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"The broker {where} can't be trusted: {error.verify_message.rstrip('.')}; look at mqtt.ca and mqtt.host."
        )
    if isinstance(error, ssl.SSLError):
        return f"TLS with the broker {where} failed ({_short(error)}); look at mqtt.port, mqtt.cert and mqtt.key."
    if isinstance(error, socket.gaierror):
        return f"The name of the broker {where} is not known; look at mqtt.host and the name server."
    if isinstance(error, ConnectionRefusedError):
        return f"Nobody listens at {where}; is the broker running? Else look at mqtt.host and mqtt.port."
    if isinstance(error, TimeoutError):
        return f"The broker {where} does not answer; look at mqtt.host, mqtt.port and the firewall."
    return f"No connection to the broker {where}: {_short(error)}."


def refused(reason: str, where: str) -> str:
    """For the reason in a CONNACK."""
    low = reason.lower()
    if "password" in low or "not auth" in low:
        return (
            f"The broker {where} refuses the gateway ({reason}); "
            "look at mqtt.username and mqtt.password_file, or at the certificate in mqtt.cert."
        )
    if "identifier" in low:
        return f"The broker {where} refuses the client id ({reason}); look at mqtt.client_id."
    if "version" in low or "protocol" in low:
        return f"The broker {where} does not speak this MQTT version ({reason}); set mqtt.protocol to the other one."
    return f"The broker {where} refuses the gateway ({reason})."


def subscription_refused(topic: str, reason: str, where: str) -> str:
    """For a reason in a SUBACK."""
    return f"The broker {where} does not let the gateway read {topic} ({reason}); look at the broker's access list."


def disconnected(said: str, error: Exception | None, where: str, *, came_up: bool) -> str:
    """For a connection that ended. `said`: the reason the broker gave; `came_up`: whether messages came before."""
    if "taken over" in said.lower():
        return f"Another program connected to the broker {where} with this client id; look at mqtt.client_id."
    if said and "normal" not in said.lower():
        return f"The broker {where} ended the connection ({said})."
    if isinstance(error, ssl.SSLError) and not came_up:
        return (
            f"The broker {where} refuses the gateway's certificate ({_short(error)}); look at mqtt.cert and mqtt.key."
        )
    if not came_up:
        return f"The broker {where} ended the connection at once; look at its log, the certificate and the password."
    return f"The connection to the broker {where} broke."


def _short(error: Exception) -> str:
    text = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).replace("_", " ").lower() if isinstance(error, ssl.SSLError) else str(text)
