"""The project's pages as they stand: links lead somewhere, both languages say the same, commands exist, words in quotes
stand on the pages, and what is shown as a rule sheet or a configuration is one."""

import os
import re
import textwrap
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest
import typer.main

from bordstein_gateway.cli.main import app
from bordstein_gateway.config import config
from bordstein_gateway.rules.reading import read
from tests.gateway import configuring

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "gateway/docs"
PACKAGE = ROOT / "gateway/bordstein_gateway"
BROKER = '[mqtt]\nhost = "localhost"\nusername = "gateway"\npassword_file = "secret"\n'
NOT_OURS = {".venv", ".cache", ".git", "node_modules", "dist", "build", "__pycache__"}
TOPICS = sorted(path.name.removesuffix(".de.md") for path in DOCS.glob("*.de.md"))
FENCED = re.compile(r"(?ms)^( *)```(\w*)\n(.*?)^\1```$")
SHOWN = re.compile(r"(?m)^(?:    ){1,2} {0,3}(?:/opt/bordstein/bin/)?bordstein-gateway (\S.*?)(?: *[#>].*)?$")


def pages() -> list[Path]:
    """All .md files of the project."""
    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in NOT_OURS]
        found += [Path(folder, name) for name in files if name.endswith(".md")]
    return sorted(found)


def prose(path: Path) -> str:
    """A page without its code."""
    return re.sub(r"`[^`\n]*`", "", FENCED.sub("", path.read_text(encoding="utf-8")))


@cache
def anchors(path: Path) -> set[str]:
    """The headings of a page as addresses in it, as GitHub and GitLab make them."""
    text = FENCED.sub("", path.read_text(encoding="utf-8"))
    titles = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title) for title in re.findall(r"(?m)^#+ (.*)$", text)]
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def test_every_link_leads_somewhere() -> None:
    lost = []
    for page in pages():
        for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, part = target.partition("#")
            there = (page.parent / name).resolve() if name else page
            if not there.exists() or (part and there.suffix == ".md" and part not in anchors(there)):
                lost.append(f"{page.relative_to(ROOT)}: {target}")
    assert lost == []


def test_each_page_stands_in_the_list() -> None:
    listed = set(re.findall(r"\]\((\w+\.\w\w\.md)\)", (DOCS / "README.md").read_text(encoding="utf-8")))
    assert listed == {path.name for path in DOCS.glob("*.*.md")}


@pytest.mark.parametrize("topic", TOPICS)
def test_both_languages_have_the_same_parts(topic: str) -> None:
    parts = {
        language: re.findall(
            r"(?m)^(#+ |\d+\. |\* |\| |\|-|```\w*|    \S+ \S+)", (DOCS / f"{topic}.{language}.md").read_text()
        )
        for language in ("de", "en")
    }
    assert parts["de"] == parts["en"]


@pytest.mark.parametrize(("language", "quoted"), [("de", r"«([^»]+)»"), ("en", r'"([^"]+)"')], ids=["de", "en"])
def test_the_clerks_page_uses_the_words_of_the_pages(language: str, quoted: str) -> None:
    sources = [
        *PACKAGE.glob("templates/app/**/*.html"),
        *PACKAGE.glob("web/pages/*.py"),
        *PACKAGE.glob("rules/ready/*.toml"),
    ]
    shown = " ".join(path.read_text(encoding="utf-8") for path in sources)
    text = FENCED.sub("", (DOCS / f"clerk.{language}.md").read_text(encoding="utf-8")).split("\n", 6)[6]
    phrases = [" ".join(phrase.split()) for phrase in re.findall(quoted, text)]
    parts = [part.strip() for phrase in phrases for part in phrase.split("…") if part.strip()]
    assert len(parts) > 40
    assert [part for part in parts if part not in shown] == []


def commands() -> list[tuple[str, str]]:
    """What the pages show to be typed, with where."""
    gateway = [path for path in pages() if "gateway" in path.parts or path == ROOT / "README.md"]
    found = [(path, line) for path in gateway for line in SHOWN.findall(path.read_text(encoding="utf-8"))]
    return [(str(path.relative_to(ROOT)), line) for path, line in found]


def test_every_command_that_is_shown_exists() -> None:
    program: Any = typer.main.get_command(app)
    wrong = []
    for page, line in commands():
        words = re.sub(r"[\[\]]", "", line.replace("\\|", "|")).split()
        known: list[click.Command] = [program]
        for word in words:
            groups = [one for one in known if hasattr(one, "commands")]
            if not groups or word.startswith("-"):
                break
            names = [name.strip(",") for name in word.split("|")]
            wrong += [f"{page}: {line}" for name in names if name not in groups[0].commands]  # type: ignore[attr-defined]
            known = [groups[0].commands[name] for name in names if name in groups[0].commands]  # type: ignore[attr-defined]
        options = {option for one in known for param in one.params for option in (*param.opts, *param.secondary_opts)}
        given = [word.strip(",.") for word in words if re.fullmatch(r"--?[a-z].*", word)]
        wrong += [f"{page}: {line}: {word}" for word in given if known != [program] and word not in options]
    assert len(commands()) > 40
    assert wrong == []


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.*.md")), ids=lambda path: path.name)
def test_what_is_shown_as_a_sheet_or_a_configuration_passes_its_check(page: Path, tmp_path: Path) -> None:
    blocks = [textwrap.dedent(text) for _, kind, text in FENCED.findall(page.read_text("utf-8")) if kind == "toml"]
    sheets = [text for text in blocks if "condition" in tomllib.loads(text)]
    steps = [text for text in blocks if set(tomllib.loads(text)) == {"step"}]
    rest = [text for text in blocks if text not in (*sheets, *steps)]
    configuring.secrets(tmp_path)
    for name in re.findall(r'_file = "([\w-]+)"', "\n".join(rest)):
        (tmp_path / name).write_text("https://chat.example.org/hook\n" if "webhook" in name else "geheim\n")
    assert configuring.problems(tmp_path, "\n".join([BROKER, *rest])) == []
    for text in sheets:
        whole = text + "".join(steps)
        named = {tomllib.loads(whole)["owner"], tomllib.loads(whole)["deputy"]}
        town = config.load(_town(tmp_path, sorted(named)))
        sheet, mistakes = read(whole, town, tomllib.loads(whole)["name"])
        assert (sheet is not None, mistakes) == (True, [])
    assert sheets or not steps, "steps alone are no sheet"


def _town(folder: Path, desks: list[str]) -> Path:
    """A configuration with these desks and a target of the kind that the pages use."""
    lines = [BROKER, *(f'[desk.{name}]\ntitle = "{name}"' for name in desks)]
    target = 'kind = "open311"\nurl = "https://example.org/open311/v2"\nservice_code = "1"\nwhen = []'
    path = folder / "town.toml"
    path.write_text("\n".join([*lines, f"[forward.requests]\n{target}"]))
    return path
