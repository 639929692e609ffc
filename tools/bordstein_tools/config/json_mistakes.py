"""What is wrong with a text that should be JSON, in a sentence for people who do not write JSON every day."""

import json

from ..texts import Problem

# What json says, and what to say instead where nothing more is known of the place.
_SENTENCES = {
    "Expecting property name enclosed in double quotes": (
        'hier fehlt ein Name in "…".',
        'a name in "…" is missing here.',
    ),
    "Expecting ':' delimiter": ("nach dem Namen fehlt ein Doppelpunkt.", "a colon is missing after the name."),
    "Expecting ',' delimiter": (
        "davor fehlt ein Komma oder eine Klammer.",
        "a comma or a bracket is missing before this.",
    ),
    "Expecting value": (
        'hier fehlt ein Wert: ein Text in "…", eine Zahl, true oder false.',
        'a value is missing here: a text in "…", a number, true or false.',
    ),
    "Unterminated string starting at": ('diesem Text fehlt das " am Ende.', 'this text has no " at its end.'),
    "Invalid control character at": (
        'in diesem Text steht ein Zeilenumbruch oder Tabulator; fehlt ein "?',
        'there is a line break or a tab in this text; is a " missing?',
    ),
    "Extra data": (
        "hier ist die Konfiguration schon zu Ende; eine Klammer zu viel?",
        "the configuration has ended before this; a bracket too many?",
    ),
}
_OTHER = ("das ist kein JSON.", "this is not JSON.")


def problem(file: object, error: json.JSONDecodeError) -> Problem:
    """The sentence for the mistake that json found in the file."""
    place, de, en = _found(error)
    line = error.doc.count("\n", 0, place) + 1
    column = place - error.doc.rfind("\n", 0, place)
    return Problem(f"{file}: Zeile {line}, Spalte {column}: {de}", f"{file}: line {line}, column {column}: {en}")


def _found(error: json.JSONDecodeError) -> tuple[int, str, str]:
    """The place, and what is wrong there."""
    text, place = error.doc, error.pos
    here = text[place : place + 1]
    # Newer Pythons point at the comma that is too many, older ones at what comes after it.
    comma = place if here == "," else len(text[:place].rstrip()) - 1
    end = comma + 1 + len(text[comma + 1 :]) - len(text[comma + 1 :].lstrip())
    if text[comma : comma + 1] == "," and text[end : end + 1] in ("}", "]"):
        return end, f"vor {text[end]} steht ein Komma zu viel.", f"there is a comma too many before {text[end]}."
    if not text.strip():
        return 0, "die Datei ist leer.", "the file is empty."
    if not text[place:].strip():
        return place, "die Datei ist hier zu Ende; eine Klammer fehlt.", "the file ends here; a bracket is missing."
    if here == "'":
        return place, "Texte stehen in \"…\", nicht in '…'.", "texts stand in \"…\", not in '…'."
    if here in ("/", "#"):
        return place, "JSON kennt keine Kommentare.", "JSON knows no comments."
    return place, *_SENTENCES.get(error.msg, _OTHER)
