"""A rule sheet's condition as people read it, German and English; the expressions stay as they are."""

import re
from typing import NamedTuple

from ...rules.sheet import Condition, Sheet, Signal, Stage, words
from .casewords import label

_ANCHORS = {
    "dawn": "Morgendämmerung",
    "sunrise": "Sonnenaufgang",
    "sunset": "Sonnenuntergang",
    "dusk": "Abenddämmerung",
    "daily": "täglich",
    "holiday": "Feiertag",
    "mon": "Mo",
    "tue": "Di",
    "wed": "Mi",
    "thu": "Do",
    "fri": "Fr",
    "sat": "Sa",
    "sun": "So",
}
_SPANS = {"s": "Sek.", "m": "Min.", "h": "Std.", "d": "Tag", "w": "Woche"}
_ENGLISH = {"s": "s", "m": "min", "h": "h", "d": "day", "w": "week"}


class Line(NamedTuple):
    """One part of a condition: what it is called, an expression or words."""

    name: str
    expression: str
    text: str


def span(text: str, lang: str, *, after: bool = False) -> str:
    """A duration of a sheet, "30m", as people say it; `after`: as it is said behind "nach"."""
    count, unit = text[:-1], text[-1:]
    if unit not in _SPANS:
        return text
    if lang == "en":
        return f"{count} {_ENGLISH[unit]}{'s' if unit in 'dw' and count != '1' else ''}"
    many = {"d": "en" if after else "e", "w": "n"}.get(unit, "") if count != "1" else ""
    return f"{count} {_SPANS[unit]}{many}"


def signal(key: str, one: Signal, lang: str) -> str:
    """What a signal is, as in: Füllstand (Median) der letzten 3 Werte, höchstens 2 Std. alt."""
    de = lang == "de"
    parts = [label(key, one, lang)]
    if one.last is not None:
        parts.append(f"der letzten {one.last} Werte" if de else f"of the last {one.last} values")
    if one.over is not None:
        parts.append(f"über {span(one.over, lang)}" if de else f"over {span(one.over, lang)}")
    if one.series is not None:
        parts.append(f"der Reihe {one.series}" if de else f"of the series {one.series}")
    if one.device is not None:
        parts.append(f"von Station {one.device}" if de else f"of station {one.device}")
    if one.nearest:
        parts.append(
            f"der nächsten Station im Umkreis von {one.within:g} m"
            if de
            else f"of the nearest station within {one.within:g} m"
        )
    if one.take != "silence":
        age = span(one.max_age, lang)
        parts.append(f"höchstens {age} alt" if de else f"{age} old at most")
    return ", ".join(parts)


def condition(sheet: Sheet, lang: str) -> list[Line]:
    """All parts of when it fires and when it is over."""
    found = sheet.condition
    de = lang == "de"
    lines = []
    if found.fires:
        lines.append(Line("Löst aus, wenn" if de else "Fires when", found.fires, _held(found, lang)))
    clears = found.clears or ""
    over = (
        (f"{span(found.clears_for, lang)} lang" if de else f"for {span(found.clears_for, lang)}")
        if (found.clears_for)
        else ""
    )
    if not clears:
        over = f"{'sobald das nicht mehr gilt' if de else 'as soon as that is so no more'} {over}".strip()
    if found.fires or clears:
        lines.append(Line("Vorbei ist es, wenn" if de else "Is over when", clears, over))
    lines += [_stage(stage, lang) for stage in sheet.stages]
    if found.season:
        lines.append(Line("Jahreszeit" if de else "Season", "", _season(found.season, de)))
    if found.times:
        lines.append(Line("Nur zu diesen Zeiten" if de else "Only at these times", "", _times(found.times, de)))
    if found.not_times:
        lines.append(Line("Nicht zu diesen Zeiten" if de else "Not at these times", "", _times(found.not_times, de)))
    if found.in_a_row > 1:
        text = f"in {found.in_a_row} solchen Zeiten nacheinander" if de else f"in {found.in_a_row} of those in a row"
        lines.append(Line("Wiederholt" if de else "Repeated", "", text))
    if found.cooldown:
        text = span(found.cooldown, lang)
        lines.append(
            Line(
                "Ruhe danach" if de else "Rest after it",
                "",
                f"{text} lang kein neuer Vorgang" if de else f"no new case for {text}",
            )
        )
    lines.append(
        Line(
            "Ein unbekannter Wert" if de else "An unknown value",
            "",
            "löst nie aus und beendet nichts" if de else "never fires and ends nothing",
        )
    )
    return lines


def objects(sheet: Sheet, lang: str) -> str:
    """What it watches, in a sentence."""
    found, de = sheet.objects, lang == "de"
    if found.devices:
        which = f"{len(found.devices)} genannte Stationen" if de else f"{len(found.devices)} stations that it names"
    elif found.groups:
        which = ("die Stationen der Gruppen " if de else "the stations of the groups ") + ", ".join(found.groups)
    else:
        which = "alle Stationen, die den ersten Wert messen" if de else "all stations that measure the first value"
    if found.each == "series":
        which += ", jede Reihe für sich" if de else ", each series by itself"
    if found.each == "group":
        which += ", gruppenweise" if de else ", by group"
        if found.share is not None:
            share = f"{found.share:.0%}".replace("%", " %" if de else "%")
            which += f"; mindestens {share} müssen auslösen" if de else f"; {share} at least have to fire"
        elif found.at_least > 1:
            which += (
                f"; mindestens {found.at_least} müssen auslösen" if de else f"; {found.at_least} at least have to fire"
            )
    return which[0].upper() + which[1:] + "."


def _held(found: Condition, lang: str) -> str:
    de, parts = lang == "de", []
    if found.hold:
        parts.append(f"ununterbrochen {span(found.hold, lang)} lang" if de else f"for {span(found.hold, lang)} on end")
    if found.samples is not None:
        n, m = found.samples.n, found.samples.m
        parts.append(f"in {n} der letzten {m} Werte" if de else f"in {n} of the last {m} values")
    return ", ".join(parts)


def _stage(stage: Stage, lang: str) -> Line:
    held = ""
    if stage.hold:
        held = f"{span(stage.hold, lang)} lang" if lang == "de" else f"for {span(stage.hold, lang)}"
    name = f"{'Stufe' if lang == 'de' else 'Stage'}: {words(stage.title, lang)}"
    return Line(name, stage.fires, held)


def _season(text: str, de: bool) -> str:
    if not de:
        return text.replace("..", " to ")
    return " bis ".join(f"{day}.{month}." for month, _, day in (one.partition("-") for one in text.split("..")))


def _times(texts: list[str], de: bool) -> str:
    if not de:
        return "; ".join(texts)
    return "; ".join(re.sub(r"[a-z]{3,}", lambda found: _ANCHORS.get(found[0], found[0]), text) for text in texts)
