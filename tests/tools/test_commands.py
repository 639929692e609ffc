"""Help and complaints of `bordstein`, Typer's own words too, are in the user's language."""

import re
import subprocess
import sys

import pytest

from bordstein_tools.cli import commands
from tests.tools.test_cli_ca import bordstein

HELP = [
    "",
    "ca",
    "ca init",
    "ca list",
    "ca renew",
    "ca issue",
    "ca issue broker",
    "ca issue gateway",
    "ca issue device",
    "config",
]
HELP += ["config check", "config init", "flash", "ports", "images", "images add", "images fetch", "images list"]
HELP += ["register", "diagnose", "doctor"]
HELP += ["selftest", "watch", "console"]
HELP += ["batch"]
HELP += ["configure", "configure export", "configure import", "configure validate", "decommission", "reset"]
COMPLAINTS = [
    ("config check", "Es fehlt: DATEI."),
    ("ca issue broker", "Es fehlt: NAME."),
    ("--foo", "Die Option --foo gibt es nicht."),
    ("ca init --nam x", "Die Option --nam gibt es nicht; ähnlich: --ca, --name."),
    ("foo", "Den Befehl foo gibt es nicht."),
    ("ca isue", "Den Befehl isue gibt es nicht; gemeint ist vielleicht issue."),
    ("config check a b", "Das ist zu viel: b."),
    ("ca init --name", "Die Option --name braucht einen Wert."),
    ("ca init --json=3", "Die Option --json hat keinen Wert."),
    ("ca init --days 0", "--days: mindestens 1."),
    ("ca init --days 99999", "--days: höchstens 36500."),
    ("ca init --days x", "--days: erwartet wird eine ganze Zahl."),
]


@pytest.mark.parametrize("words", HELP)
def test_help_is_german(tmp_path, words):
    said = bordstein(*words.split(), "--help", folder=tmp_path, lang="de").stdout
    assert said.lstrip().startswith("Aufruf: bordstein") and "Diese Hilfe zeigen." in said
    assert not re.search(r"Usage|Show|Options|OPTIONS|Commands|COMMAND|Arguments|default|required|<bool>|…[^ ]", said)
    english = bordstein(*words.split(), "--help", folder=tmp_path).stdout
    assert "Usage: bordstein" in english and "Show this help." in english and "<bool>" not in english


@pytest.mark.parametrize(("words", "sentence"), COMPLAINTS)
def test_a_misuse_is_said_in_german(tmp_path, words, sentence):
    run = bordstein(*words.split(), folder=tmp_path, lang="de")
    assert run.returncode == 2 and sentence in run.stderr and "Invalid" not in run.stderr
    english = bordstein(*words.split(), folder=tmp_path)
    assert english.returncode == 2 and sentence not in english.stderr


def test_every_complaint_that_is_translated_was_seen():
    said = [sentence for _, sentence in COMPLAINTS]
    for _, german in commands._COMPLAINTS:
        form = re.compile(re.sub(r"\\\\\d", ".+", re.escape(german)))
        assert any(form.match(sentence) for sentence in said), german


ABORTS = """
import typer
from bordstein_tools.cli import commands
app = commands.group("", "")
@commands.verb(app, "", "")
def asks(): raise typer.Abort
@commands.verb(app, "", "")
def other(): pass
app(["asks"])
"""


def test_what_ends_a_question_is_said_in_german():
    run = subprocess.run(
        [sys.executable, "-c", ABORTS], env={"BORDSTEIN_LANG": "de"}, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr.strip()) == (1, "Abgebrochen.")


def test_no_verb_waits_for_what_only_another_one_needs():
    heavy = "cryptography", "mpremote", "esptool", "rich", "fpdf", "segno"
    code = f"import sys, bordstein_tools.cli; print(*set({heavy}) & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""
