"""What fails on a cable with a board that runs MicroPython, in sentences with their cures."""

from ..texts import Problem

_FULL = "ENOSPC", "28"


class OnBoard(Problem):
    """What was run on the board raised an exception. last: its last line, such as "OSError: 28"."""

    def __init__(self, de: str, en: str, last: str) -> None:
        super().__init__(de, en)
        self.last = last


def on_board(traceback: str, reset_button: str) -> OnBoard:
    """The board's exception, as the board printed it."""
    last = traceback.strip().splitlines()[-1] if traceback.strip() else ""
    if last.startswith("OSError") and any(word in last for word in _FULL):
        return OnBoard("Der Speicher des Geräts ist voll.", "the board's flash is full.", last)
    if last == "ValueError: flash":
        return OnBoard(
            "Was auf dem Gerät ankam, ist nicht, was gesendet wurde: Kabel oder Flash ist schadhaft.",
            "what arrived on the board is not what was sent: cable or flash is bad.",
            last,
        )
    if last.startswith("MemoryError"):
        return OnBoard(
            f"Dem Gerät fehlt gerade Arbeitsspeicher. {reset_button} drücken und sofort noch einmal versuchen.",
            f"the board is short of memory just now. Press {reset_button} and try again at once.",
            last,
        )
    return OnBoard(f"Auf dem Gerät ging etwas schief ({last}).", f"something failed on the board ({last}).", last)


def silent(port: str, reset_button: str, seen: bytes) -> Problem:
    """It does not give its prompt. seen: what it said instead."""
    if b"invalid header" in seen:
        return Problem(
            f"Auf dem Gerät an {port} ist kein MicroPython; «bordstein flash» bringt es auf.",
            f'there is no MicroPython on the board at {port}; "bordstein flash" puts it on.',
        )
    if seen.strip(b"\r\n\0 ") and b">>>" not in seen:
        return Problem(
            f"Was an {port} hängt, sendet etwas, antwortet aber nicht wie MicroPython. Auf dem Gerät "
            f"{reset_button} drücken und sofort noch einmal versuchen; hilft das nicht, «bordstein flash».",
            f"what hangs at {port} sends something, but does not answer as MicroPython does. Press "
            f'{reset_button} on the board and try again at once; if that does not help, "bordstein flash".',
        )
    return Problem(
        f"Das Gerät an {port} antwortet nicht. Auf dem Gerät {reset_button} drücken, sofort noch einmal versuchen.",
        f"the board at {port} does not answer. Press {reset_button} on the board and try again at once.",
    )


def garbled(port: str) -> Problem:
    """What came is not what was asked for."""
    return Problem(
        f"Über {port} kam Unleserliches. Kabel und Stecker prüfen und denselben Befehl noch einmal geben.",
        f"what came over {port} cannot be read. Check cable and plug and give the same command once more.",
    )


def broken(port: str) -> Problem:
    """The cable was pulled."""
    return Problem(
        f"Die Verbindung über {port} ist abgerissen. Das Kabel wieder einstecken und denselben Befehl noch einmal "
        "geben.",
        f"the connection over {port} broke. Plug the cable in again and give the same command once more.",
    )
