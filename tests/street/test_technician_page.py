"""tools/README.md is followed word by word, in both languages: each command as it stands there, by the program out of
the built wheel, on a virtual board; and each line of its pictures comes, in their order."""

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.street import van as vans
from tests.street.servers import Gateway, Mosquitto, Town
from tests.tools.flash_image import image
from tests.tools.typed import Terminal

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "tools" / "README.md").read_text(encoding="utf-8")
PARTS = dict(zip(("de", "en"), re.split(r"^## .*\n", PAGE, flags=re.MULTILINE)[1:3], strict=True))
# What the technician of the pictures types at each question.
ANSWERS = {
    "de": {
        "Einsatzgebiet [nord]:": "2",
        "Inventarnummer [BS-0042]:": "",
        "Wo es hängen wird:": "Marktplatz 7",
        "Netz (oder Name eines WLANs) [stadt]:": "",
        "Sensoren [luft]:": "",
    },
    "en": {
        "Site [nord]:": "2",
        "Asset number [BS-0042]:": "",
        "Where it will hang:": "Marktplatz 7",
        "Network (or name of a Wi-Fi) [stadt]:": "",
        "Sensors [luft]:": "",
    },
}


def steps(part: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a part's pictures with the lines that it shows there."""
    for picture in re.findall(r"```console\n(.*?)```", part, flags=re.DOTALL):
        for one in re.split(r"^\$ ", picture, flags=re.MULTILINE)[1:]:
            command, *shown = one.rstrip().split("\n")
            yield command, [line for line in shown if line.strip() not in ("", "…")]


def plain(line: str) -> str:
    """Without what differs from board to board and from minute to minute."""
    line = re.sub(r"rfc2217://\S+?(?=[:,.]?(\s|$))|/dev/ttyUSB0", "<port>", line)
    line = re.sub(r"\b[0-9a-f]{12}\b", "<device>", line)
    line = line.replace("127.0.0.1", "<address>").replace("192.0.2.10", "<address>")
    line = line.replace("localhost", "<broker>").replace("mqtt.musterstadt.de", "<broker>")
    # What is typed quickly comes before the space behind a question.
    return re.sub(r"\d+", "#", " ".join(line.split())).replace(": ", ":")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`bordstein` as the wheel brings it: nothing of the checkout is in its way."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--quiet", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*build, str(ROOT / "tools")], check=True, capture_output=True, timeout=120)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "unpacked")
    script = folder / "bordstein"
    start = (
        f"import sys; sys.path.insert(0, {str(folder / 'unpacked')!r}); from bordstein_tools.cli import main; main()"
    )
    script.write_text(f"#!{sys.executable}\n{start}\n")
    script.chmod(0o755)
    return script


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_page_is_followed_word_by_word(
    language: str, program: Path, town: Town, own_broker: Mosquitto, own_gateway: Gateway, tmp_path: Path
) -> None:
    van = vans.van(tmp_path / "van", town, own_broker)
    vans.town_file(van, own_broker)
    register = {"de": "geraete.csv", "en": "boards.csv"}[language]
    (van / register).write_text("device,asset,place\n24a160000041,BS-0041,Rathaus\n")
    image_name = "ESP32_GENERIC-20250415-v1.25.0.bin"
    (van / image_name).write_bytes(image("esp32"))
    with vans.board_on_a_cable(tmp_path / "board") as board:
        environment = {"BORDSTEIN_LANG": language, "BORDSTEIN_PORT": board.url, "COLUMNS": "90"}
        environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")
        for command, shown in steps(PARTS[language]):
            words = command.split()
            assert words[0] == "bordstein", command
            with Terminal(*words[1:], folder=van, program=program, environment=environment) as terminal:
                for question, answer in ANSWERS[language].items() if words[1] == "setup" else ():
                    assert f"{question} {answer}".strip() in [line.strip() for line in shown], (question, answer)
                    terminal.wait_for(question)
                    terminal.type(answer.encode() + b"\r")
                assert terminal.ends(120) == 0, (command, terminal.said)
            said = iter([plain(line) for line in terminal.said.replace("\r", "\n").splitlines()])
            missing = [line for line in shown if plain(line) not in said]
            assert not missing, f"$ {command}\n{missing} did not come, in this order; there stands\n{terminal.said}"
