"""Every sentence of the board's checker has a German one, with the same facts in it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bordstein_tools.config import firmware_rules
from bordstein_tools.config import german as config_german
from tests.firmware.test_config import (
    GOOD,
    JSON,
    MISTAKES,
    PATHS,
    SLEEPERS,
    SLEEPY,
    THERMOMETER,
    changed,
    config,
)

ENGLISH = re.compile(r"\b(is|are|the|of|expected|missing|needs|already|allowed|there|only)\b")


def sentences(made) -> list[str]:
    return firmware_rules.check(made, config._ESP32)


def all_sentences() -> list[str]:
    found = [line for path, value, _, _ in MISTAKES for line in sentences(changed(path, value))]
    found += [line for sensors, _, _ in SLEEPERS for line in sentences(SLEEPY | {"sensors": sensors})]
    found += sentences(SLEEPY | {"sleep": {"every_s": 30}, "sensors": SLEEPERS[-1][0]})
    found += sentences([])
    found += sentences(changed("network.wifi.0.password", 12345678))
    no_onewire = changed("buses.w1", 7)
    no_onewire["sensors"] = {"road": THERMOMETER}
    return found + sentences(no_onewire)


def test_every_sentence_has_a_german_one_and_no_german_one_is_idle() -> None:
    used = set()
    for line in all_sentences():
        said = config_german.german(line)
        assert said != line, line
        path, _, sentence = said.partition(": ")
        assert line.startswith(path + ": ") and not ENGLISH.search(sentence), said
        used.add(next(form.pattern for form, _ in config_german._FORMS if form.search(line)))
        # What it quotes: numbers, names and values.
        facts = set(re.findall(r'\d+|"[^"]*"', line.partition(": ")[2]))
        assert all(fact in said or fact.strip('"') in said for fact in facts), said
    assert used == {form.pattern for form, _ in config_german._FORMS}


@given(st.sampled_from(PATHS), JSON)
def test_whatever_stands_there_its_sentence_is_german(path: str, value: object) -> None:
    for line in sentences(changed(path, value)):
        assert config_german.german(line) != line, line


@pytest.mark.parametrize(
    ("quoted", "shown"),
    [
        (r'got "mqtt.m\u00fcnster.de"', 'got "mqtt.münster.de"'),
        (r'got "\ud83d\ude00"', 'got "😀"'),
        (r'got "C:\\u00fc"', r'got "C:\\u00fc"'),
        (r'got "a\u0007\n"', r'got "a\u0007\n"'),
        (r'got "\ud800"', r'got "\ud800"'),
        (r'got "cut in the middle \u00...', r'got "cut in the middle \u00...'),
    ],
)
def test_values_are_shown_as_people_wrote_them(quoted: str, shown: str) -> None:
    assert config_german.readable(quoted) == shown


def test_a_sound_configuration_says_nothing() -> None:
    assert sentences(GOOD) == []
