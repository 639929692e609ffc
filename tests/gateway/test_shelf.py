"""Rule sheets in a folder and their versions in the store."""

import os
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bordstein_gateway.cli.main import app
from bordstein_gateway.config.config import Config
from bordstein_gateway.rules.shelf import Shelf
from bordstein_gateway.store import Store, Where
from bordstein_gateway.store.sheets import SheetVersion, add_sheet
from tests.gateway.rule_town import BIN_FULL, settings, write

NAME = "bin-full"
HIGHER = BIN_FULL.replace("fill >= 0.8", "fill >= 0.9")
WRONG = BIN_FULL.replace("fill_level", "fill_levle")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return settings(tmp_path)


@pytest.fixture
def shelf(config: Config, store: Store) -> Iterator[Shelf]:
    yield Shelf(config, store)


def test_without_a_folder_there_are_no_sheets(shelf: Shelf) -> None:
    assert shelf.sheets() == {}
    assert shelf.trouble == ""
    assert not shelf.folder.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_that_root_makes_is_the_services(shelf: Shelf) -> None:
    os.chown(shelf.folder.parent, 65534, 65534)
    assert shelf.put(NAME, BIN_FULL, "command line", "the first") == []
    assert (shelf.folder.stat().st_uid, shelf.folder.stat().st_gid) == (65534, 65534)


def test_every_text_that_was_in_force_is_a_version(config: Config, place: Where) -> None:
    with closing(Store.open(place)) as store:
        shelf = Shelf(config, store)
        file = write(config)
        first = shelf.look()[NAME]
        assert (first.version, first.problems) == (1, ())
        assert first.sheet is not None
        assert first.sheet.condition.fires == "fill >= 0.8"
        assert shelf.look() is shelf.sheets()
        write(config, HIGHER)
        assert shelf.look()[NAME].version == 2
        file.unlink()
        assert shelf.look() == {}
        assert shelf.put(NAME, BIN_FULL, "eva", "was right after all") == []
        found = [(one.version, one.text, one.actor) for one in shelf.versions(NAME)]
        assert found == [(4, BIN_FULL, "eva"), (3, "", "file"), (2, HIGHER, "file"), (1, BIN_FULL, "file")]
        assert shelf.versions(NAME)[0].reason == "was right after all"
    with closing(Store.open(place)) as store:
        assert Shelf(config, store).sheets()[NAME].version == 4
        assert len(Shelf(config, store).versions(NAME)) == 4


def test_a_file_with_mistakes_leaves_the_version_before_it_in_force(config: Config, shelf: Shelf) -> None:
    write(config)
    shelf.look()
    write(config, WRONG)
    found = shelf.look()[NAME]
    assert found.version == 1
    assert found.stale
    assert found.sheet is not None
    assert found.sheet.condition.fires == "fill >= 0.8"
    assert "fill_levle" in found.problems[0]
    write(config)
    again = shelf.look()[NAME]
    assert (again.version, again.problems, again.stale) == (1, (), False)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"name ="])
def test_what_is_no_sheet_is_shown_and_not_in_force(config: Config, shelf: Shelf, content: bytes) -> None:
    write(config).write_bytes(content)
    found = shelf.look()[NAME]
    assert (found.sheet, found.version) == (None, 0)
    assert found.problems
    assert shelf.versions(NAME) == []


def test_a_sheet_that_this_gateway_does_not_understand_any_more_says_so(config: Config, store: Store) -> None:
    store.submit(lambda connection: add_sheet(connection, SheetVersion(NAME, 1, WRONG, "eva", "", 0))).result()
    write(config, WRONG)
    found = Shelf(config, store).sheets()[NAME]
    assert (found.sheet, found.version, found.stale) == (None, 1, False)
    assert any("fill_levle" in problem for problem in found.problems)


def test_who_began_on_an_older_version_is_told(config: Config, shelf: Shelf) -> None:
    assert shelf.put(NAME, BIN_FULL, "eva", "new", expected=0) == []
    assert shelf.put(NAME, HIGHER, "eva", "false alarms", expected=1) == []
    (said,) = shelf.put(NAME, BIN_FULL, "max", "back", expected=1)
    assert "version 2 by eva" in said
    assert shelf.file_text(NAME) == HIGHER
    assert shelf.versions(NAME)[0].version == 2


def test_an_editors_change_is_not_overwritten(config: Config, shelf: Shelf) -> None:
    assert shelf.put(NAME, BIN_FULL, "eva", "new") == []
    write(config, HIGHER)
    (said,) = shelf.put(NAME, BIN_FULL, "eva", "again", expected=1)
    assert "version 2 by file" in said
    assert shelf.file_text(NAME) == HIGHER


def test_two_that_write_at_once_are_not_both_told_it_is_done(config: Config, tmp_path: Path) -> None:
    place = tmp_path / "two.sqlite"
    stores = [Store.open(place), Store.open(place)]
    shelves = [Shelf(config, store) for store in stores]
    assert shelves[0].put(NAME, BIN_FULL, "eva", "new") == []
    shelves[1].look()
    start = threading.Barrier(2)
    found: list[list[str]] = []

    def write_it(shelf: Shelf, text: str) -> None:
        start.wait(20)
        found.append(shelf.put(NAME, text, "max", "at once", expected=1))

    texts = [HIGHER, HIGHER.replace("0.9", "0.95")]
    threads = [threading.Thread(target=write_it, args=pair) for pair in zip(shelves, texts, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(map(len, found)) == [0, 1]
    versions = shelves[0].versions(NAME)
    assert [one.version for one in versions] == [2, 1]
    assert shelves[0].file_text(NAME) == versions[0].text
    for store in stores:
        store.close()


def test_mistakes_and_bad_names_change_nothing(config: Config, shelf: Shelf) -> None:
    assert shelf.put(NAME, BIN_FULL, "eva", "new") == []
    assert shelf.put(NAME, WRONG, "eva", "better")
    for name in ("../bin", ".bin", "", "a/b", "x" * 64):
        assert shelf.put(name, BIN_FULL, "eva", "elsewhere")
    assert [file.name for file in shelf.folder.iterdir()] == [f"{NAME}.toml"]
    assert len(shelf.versions(NAME)) == 1


def test_taken_out_of_force_by_somebody(config: Config, shelf: Shelf) -> None:
    assert shelf.put(NAME, BIN_FULL, "eva", "new") == []
    assert shelf.put(NAME, "", "eva", "did not help", remove=True, expected=1) == []
    assert shelf.sheets() == {}
    assert not shelf.path(NAME).exists()
    newest = shelf.versions(NAME)[0]
    assert (newest.text, newest.actor, newest.reason) == ("", "eva", "did not help")


def test_a_folder_that_is_gone_ends_no_rule(config: Config, shelf: Shelf, store: Store) -> None:
    write(config)
    write(config, BIN_FULL.replace(NAME, "other"), "other")
    assert shelf.look().keys() == {NAME, "other"}
    for file in shelf.folder.iterdir():
        file.unlink()
    shelf.folder.rmdir()
    assert shelf.look().keys() == {NAME, "other"}
    assert str(shelf.folder) in shelf.trouble
    assert Shelf(config, store).sheets().keys() == {NAME, "other"}
    assert shelf.put(NAME, HIGHER, "eva", "new disk") == []
    assert shelf.look().keys() == {NAME, "other"}
    assert shelf.trouble == ""
    assert shelf.look()["other"].version == 1


def test_where_nothing_can_be_written_one_sentence_says_so(config: Config, store: Store, tmp_path: Path) -> None:
    """A file in the place of a folder refuses root, too."""
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "rules"):
        config.rules.folder = str(folder)
        shelf = Shelf(config, store)
        assert shelf.sheets() == {}
        (said,) = shelf.put(NAME, BIN_FULL, "eva", "new")
        assert str(folder) in said
    assert shelf.versions(NAME) == []


def test_a_file_that_is_being_written_is_left_for_the_next_look(config: Config, shelf: Shelf) -> None:
    file = write(config)
    os.utime(file)
    assert shelf.look(3600) == {}
    os.utime(file, (1_700_000_000, 1_700_000_000))
    assert shelf.look(3600)[NAME].version == 1
    file.unlink()  # an editor that puts a new file in its place
    assert shelf.look(3600)[NAME].version == 1
    write(config, HIGHER)
    os.utime(file, (1_700_000_001, 1_700_000_001))
    assert shelf.look(3600)[NAME].version == 2
    file.unlink()
    assert NAME in shelf.look(3600)
    assert shelf.look(3600) == {}
    assert [one.version for one in shelf.versions(NAME)] == [3, 2, 1]


def test_the_command_line_lists_shows_and_puts(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(
        f'[gateway]\ndata = "{tmp_path}"\n[mqtt]\nhost = "localhost"\ntls = false\n'
        '[desk.depot]\ntitle = "Bauhof"\n[desk.office]\ntitle = "Amt"\n'
    )
    Store.open(tmp_path / "bordstein.sqlite").close()
    file = tmp_path / f"{NAME}.toml"

    def run(*words: str, fails: bool = False) -> str:
        found = CliRunner().invoke(app, ["rules", *words, "--config", str(path)])
        assert (found.exit_code != 0) == fails, found.output
        return str(found.exception.args[0]) if fails and found.exception else found.output

    assert "no rule sheet lies here" in run("list")
    file.write_text(BIN_FULL)
    assert run("put", str(file), "--reason", "first") == "bin-full: version 1 is in force\n"
    file.write_text(WRONG)
    assert f"{file}:" in run("put", str(file), "--reason", "second", fails=True)
    assert run("show", NAME) == BIN_FULL
    assert "command line" in run("show", NAME, "--versions")
    assert "no version 7" in run("show", NAME, "--version", "7", fails=True)
    assert "no such sheet" in run("show", "nothing", fails=True)
    assert '"state": "in_force"' in run("list", "--json")
    (tmp_path / "rules" / f"{NAME}.toml").write_text(WRONG)
    assert "fill_levle" in run("list", fails=True)
    assert '"state": "stale"' in run("list", "--json")
