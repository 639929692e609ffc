"""Software onto a board over the cable: what differs only, and a pulled cable at any moment leaves a board that takes
the same command again."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bordstein_tools import cli
from bordstein_tools.board import deploying, software
from bordstein_tools.board.cable import Cable, File, digest
from bordstein_tools.board.software import Software
from bordstein_tools.keys import signing
from bordstein_tools.texts import Problem
from tests.hardware.pty_bridge import PtyBoard
from tests.tools import cabled

MOMENTS = 20
BLANK = 190_000  # bytes that go over the cable to a blank board, at least
OLD = ("bordstein/app.mpy", "bordstein/state.mpy", "bordstein/prompt.mpy", "bordstein/sensors/pulse.mpy", "boot.py")


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Software:
    return cabled.compiled(tmp_path_factory.mktemp("compiled"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, new: Software) -> Path:
    """The folder of a board that was blank and got the software."""
    folder = tmp_path_factory.mktemp("whole")
    seen: list[tuple[int, int]] = []
    with cabled.board(folder) as board:
        with Cable.open(board.port) as cable:
            done = deploying.deploy(cable, new, None, lambda done, of: seen.append((done, of)))
            assert done.written == len(new.files) and seen[0][0] == 0 and seen[-1] == (done.bytes, done.bytes)
            assert seen == sorted(seen)
            assert board.taken > BLANK
        restarts(board)
    return folder


def restarts(board: PtyBoard) -> None:
    """The board runs its software after a reset."""
    with Cable.open(board.port) as cable:
        said = len(board.said)
        cable.reset()
    board.wait_for(cabled.STARTED, start=said)


def copy(folder: Path, target: Path) -> Path:
    target.mkdir()
    shutil.copy(folder / "flash", target / "flash")
    return target


def digests(files: dict[str, bytes] | dict[str, File]) -> dict[str, str]:
    return {name: file.digest if isinstance(file, File) else digest(file) for name, file in files.items()}


def older(new: Software) -> Software:
    files = {name: content + b"\0" if name in OLD else content for name, content in new.files.items()}
    return Software("0.0.9", {**files, "boot.py": b"# older\n" + new.files["boot.py"], "bordstein/gone.mpy": bytes(9)})


def test_a_second_run_does_nothing(whole: Path, tmp_path: Path, new: Software) -> None:
    with cabled.board(copy(whole, tmp_path / "b")) as board, Cable.open(board.port) as cable:
        assert deploying.deploy(cable, new, None) == (0, 0, 0)


def test_only_what_differs_goes_and_what_is_in_the_way_is_removed(whole: Path, tmp_path: Path, new: Software) -> None:
    with cabled.board(copy(whole, tmp_path / "b")) as board:
        with Cable.open(board.port) as cable:
            cable.write("bordstein/app.py", b"raise SystemExit  # a source file is taken before the compiled one")
            cable.write("bordstein/left/over.mpy", b"")
            cable.write("slot", b"a-3\0\0\0\0")
            cable.write("config.json", b"{}")
            cable.write("bordstein/log.mpy", b"other")
            done = deploying.deploy(cable, new, b"keys\n")
            assert done.written == 3 and done.removed == 3  # log, release.pub, main.py
            assert not any(map(cable.exists, ("slot", "bordstein/app.py", "bordstein/left")))
            assert cable.read("release.pub") == b"keys\n" and cable.exists("config.json")
        restarts(board)


def test_the_cable_may_be_pulled_at_any_moment(whole: Path, tmp_path: Path, new: Software) -> None:
    base = copy(whole, tmp_path / "base")
    with cabled.board(base) as board, Cable.open(board.port) as cable:
        old = older(new)
        deploying.deploy(cable, old, None)
    with cabled.board(copy(base, tmp_path / "counted")) as board, Cable.open(board.port) as cable:
        deploying.deploy(cable, new, None)
        update = board.taken

    def pulled(moment: int) -> None:
        folder = tmp_path / str(moment)
        blank = moment % 4 == 3  # else one with older software
        if not blank:
            copy(base, folder)
        total = BLANK if blank else update
        with cabled.board(folder, pulled_after=total * (2 * moment + 1) // (2 * MOMENTS)) as board:
            with pytest.raises(Problem) as caught, Cable.open(board.port) as cable:
                deploying.deploy(cable, new, None)
                raise AssertionError("the cable was not pulled")
            assert "\n" not in caught.value.de
        with cabled.board(folder) as board:
            with Cable.open(board.port) as cable:
                there = cable.tree("bordstein", "boot.py", "main.py")
                if "main.py" in there:  # then it may start by itself, so it is the one or the other, whole
                    assert digests(there) in (digests(new.files), digests(old.files))
                deploying.deploy(cable, new, None)
                there = cable.tree("bordstein", "boot.py", "main.py", hashed=False)
                assert set(there) == set(new.files)
            restarts(board)

    with ThreadPoolExecutor(4) as pool:  # most of the time a board waits for somebody at its prompt
        list(pool.map(pulled, range(MOMENTS)))


def test_without_room_nothing_is_touched(whole: Path, tmp_path: Path, new: Software) -> None:
    with cabled.board(copy(whole, tmp_path / "b")) as board, Cable.open(board.port) as cable:
        big = new._replace(files={**new.files, "bordstein/big.mpy": bytes(3 << 20)})
        with pytest.raises(Problem, match="kB"):
            deploying.deploy(cable, big, None)
        assert deploying.deploy(cable, new, None) == (0, 0, 0)


def test_a_board_with_another_micropython_is_refused(whole: Path, tmp_path: Path, new: Software) -> None:
    with cabled.board(copy(whole, tmp_path / "b")) as board, Cable.open(board.port) as cable:
        for other in (new._replace(micropython="1.99"), new._replace(mpy=7)):
            with pytest.raises(Problem, match="bordstein flash"):
                deploying.deploy(cable, other, None)
        assert cable.exists("main.py")


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory, new: Software) -> Path:
    """A folder with a pack, and the key's release.pub."""
    folder = tmp_path_factory.mktemp("signed")
    key = signing.create(folder, None)
    files = {name: content for name, content in new.files.items() if name.startswith("bordstein/")}
    pack = signing.pack(files, key, version="0.1.0", floor="0.0.0", date=1_800_000_000)
    (folder / "new.pack").write_bytes(pack)
    return folder


def test_a_pack_is_taken_whole_and_genuine_only(signed: Path, tmp_path: Path, new: Software) -> None:
    pack, keys = signed / "new.pack", (signed / "release.pub").read_bytes()
    assert software.release(pack, b"nonsense\n3 5\n" + keys).files == new.files
    content = pack.read_bytes()
    other = signing.public_line(signing.create(tmp_path / "other", None))
    for wrong, believed, sentence in (
        (content, other, "mit keinem Schlüssel"),
        (content[:400] + b"X" + content[401:], keys, "mit keinem Schlüssel"),
        (content[:-1] + bytes((content[-1] ^ 1,)), keys, "beschädigt"),
        (content[:-1], keys, "beschädigt"),
        (content[:300], keys, "keine Software"),
        (b"", keys, "keine Software"),
    ):
        (tmp_path / "wrong.pack").write_bytes(wrong)
        with pytest.raises(Problem) as caught:
            software.release(tmp_path / "wrong.pack", believed)
        assert sentence in caught.value.de


def test_the_verbs(signed: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def bordstein(*words: object, lang: str = "en") -> Result:
        monkeypatch.setenv("BORDSTEIN_LANG", lang)
        return CliRunner().invoke(cli.app, [*map(str, words)])

    secrets = ("geheimes Wort", "4711", "PRIVATE")
    config = {
        "name": "Marktplatz 7",
        "board": "esp32-devkitc",
        "network": {"wifi": [{"ssid": "Stadt", "password": secrets[0]}]},
        "mqtt": {"host": "mqtt.musterstadt.de", "ca": "ca.der", "cert": "device.der", "key": "device.key.der"},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    for words in (("init", "--no-passphrase"), ("issue", "device", cabled.DEVICE), ("issue", "device", "24a160000001")):
        assert bordstein("ca", *words).exit_code == 0
    texts = []
    with cabled.board(copy(whole, tmp_path / "b")) as board:

        def run(*words: object, code: int = 0, lang: str = "en") -> str:
            done = bordstein(*words, "--port", board.port, lang=lang)
            assert done.exit_code == code and isinstance(done.exception, SystemExit | None), done.output
            texts.append(done.output)
            return done.output

        pack = signed / "new.pack"
        assert "no key" in run("deploy", "--release", pack, code=1)
        done = json.loads(run("deploy", "--release", pack, "--public", signed / "release.pub", "--json"))
        assert (done["version"], done["written"], done["removed"]) == ("0.1.0", 2, 0)
        assert "schon da" in run("deploy", "--release", pack, lang="de")
        assert "no configuration" in run("configure", "show", code=1)
        stranger = tmp_path / "bordstein-ca" / "devices" / "24a160000001"
        assert "24a160000001" in run("configure", "apply", "config.json", "--keys", stranger, code=1)
        assert json.loads(run("configure", "apply", "config.json", "--json"))["written"][-1] == "config.json"
        assert "already" in run("configure", "apply", "config.json")
        (tmp_path / "wrong.json").write_text(json.dumps({**config, "led": 99}))
        assert "led" in run("configure", "apply", "wrong.json", code=1)
        shown = json.loads(run("configure", "show", "--json"))["config"]
        assert shown["network"]["wifi"] == [{"ssid": "Stadt", "password": "•••"}]
        facts = json.loads(run("show", "--json"))
        assert (facts["device"], facts["software"], facts["slot"]) == (cabled.DEVICE, "0.1.0", "-")
        assert facts["certificate_until"].startswith("20") and facts["files"]["config.json"] > 0
        said = len(board.said)
        assert "Marktplatz 7" in run("show", lang="de")
        board.wait_for(cabled.STARTED, start=said)
        said = len(board.said)
        assert cabled.DEVICE in run("logs")
        board.wait_for(cabled.STARTED, start=said)  # or this start would be counted below
        run("reset", "--json", code=2)
        said, starts = len(board.said), board.starts
        run("reset", "--hard")
        board.wait_for(cabled.STARTED, start=said)
        assert board.starts == starts + 1
    for secret in secrets:
        assert secret not in "".join(texts)
