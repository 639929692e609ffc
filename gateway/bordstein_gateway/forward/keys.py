"""Under which names the store keeps what a target's schedule has to remember; no forwarder's name has a #."""


def retry_key(forwarder: str) -> str:
    """Where the store has when it is tried again."""
    return f"{forwarder}#retry"


def sent_key(forwarder: str) -> str:
    """Where the store has when it last took something, and how fast."""
    return f"{forwarder}#sent"
