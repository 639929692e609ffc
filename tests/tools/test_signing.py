"""`bordstein signing` and `make release`: the key, and packs whose signature and hashes anyone can check."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bordstein_tools.keys import signing
from bordstein_tools.texts import Problem
from tests.tools.test_cli_ca import PASSPHRASE, bordstein

FILES = {"bordstein/__init__.mpy": b"new", "bordstein/net/__init__.mpy": b"", "bordstein/app.mpy": bytes(300)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With an encrypted key in signing/."""
    folder: Path = tmp_path_factory.mktemp("signing")
    (folder / "passphrase").write_text(PASSPHRASE + "\n")
    made = bordstein("signing", "init", "--out", "signing", "--passphrase-file", "passphrase", "--json", folder=folder)
    assert made.returncode == 0 and json.loads(made.stdout)["encrypted"] is True, made.stderr
    return folder


@pytest.fixture(scope="module")
def key(folder: Path) -> rsa.RSAPrivateKey:
    return signing.load(folder / "signing" / "release.key.pem", PASSPHRASE.encode())


def parts(pack: bytes) -> tuple[bytes, bytes, bytes]:
    """Signature, manifest, files."""
    assert pack[:4] == b"BSR1"
    end = 392 + int.from_bytes(pack[4:8], "big")
    return pack[8:392], pack[392:end], pack[end:]


def test_the_public_key_is_a_line_for_the_board_and_the_private_one_is_encrypted(
    folder: Path, key: rsa.RSAPrivateKey
) -> None:
    e, n = (folder / "signing" / "release.pub").read_text().split()
    numbers = key.public_key().public_numbers()
    assert (int(e), int(n, 16)) == (numbers.e, numbers.n) == (65537, numbers.n) and numbers.n.bit_length() == 3072
    private = folder / "signing" / "release.key.pem"
    assert signing.is_encrypted(private) and private.stat().st_mode & 0o077 == 0
    for wrong in (None, b"falsch"):
        with pytest.raises(Problem, match="assphrase"):
            signing.load(private, wrong)


def test_a_key_is_never_overwritten_and_never_printed(folder: Path) -> None:
    run = bordstein("signing", "init", "--out", "signing", "--no-passphrase", folder=folder)
    assert run.returncode == 1 and "already there" in run.stderr
    run = bordstein("signing", "init", "--no-passphrase", "--passphrase-file", "passphrase", folder=folder)
    assert run.returncode == 2
    run = bordstein("signing", "init", "--out", "open", "--no-passphrase", folder=folder, lang="de")
    assert "Tresor" in run.stdout and "PRIVATE" not in run.stdout


def test_a_pack_is_signed_and_has_every_file_with_its_hash(key: rsa.RSAPrivateKey) -> None:
    signature, manifest, content = parts(
        signing.pack(FILES, key, version="0.2.0", floor="0.1.0", date=1_800_000_000, names=["esp32-devkitc"])
    )
    key.public_key().verify(signature, manifest, padding.PKCS1v15(), hashes.SHA256())
    with pytest.raises(InvalidSignature):
        key.public_key().verify(signature, manifest + b" ", padding.PKCS1v15(), hashes.SHA256())
    said = json.loads(manifest)
    assert (said["version"], said["floor"], said["date"]) == ("0.2.0", "0.1.0", 1_800_000_000)
    assert said["boards"] == ["esp32-devkitc"] and said["chips"] == ["esp32"]
    assert [name for name, _, _ in said["files"]] == list(FILES)
    for name, size, digest in said["files"]:
        assert content[:size] == FILES[name] and hashlib.sha256(content[:size]).hexdigest() == digest
        content = content[size:]
    assert content == b""
    # A board reads it line by line.
    lines = manifest.decode().splitlines()
    assert json.loads(lines[0] + "]}") and [json.loads(line.rstrip(","))[0] for line in lines[1:-1]] == list(FILES)


@pytest.mark.parametrize(
    "more",
    [
        {"version": "0.2"},
        {"version": "v0.2.0"},
        {"version": "0.2.0-rc1"},
        {"floor": "0.2"},
        {"floor": "0.2.1"},
        {"names": ["toaster"]},
    ],
)
def test_a_release_that_makes_no_sense_is_not_signed(key: rsa.RSAPrivateKey, more: dict[str, object]) -> None:
    with pytest.raises(Problem):
        signing.pack(FILES, key, **{"version": "0.2.0", "floor": "0.0.0", "date": 1_800_000_000, **more})  # type: ignore[arg-type]


def make(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.dev.release", *map(str, words)],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_release_says_what_is_missing(folder: Path) -> None:
    private = folder / "signing" / "release.key.pem"
    (folder / "wrong").write_text("falsch")
    for words in (
        ("--key", "", "--version", "0.2.0"),
        ("--key", private, "--version", ""),
        ("--key", folder / "none", "--version", "0.2.0"),
        ("--key", private, "--version", "0.2.0", "--passphrase-file", folder / "wrong"),
    ):
        run = make(folder, *words)
        assert run.returncode == 1 and run.stderr.startswith("release: ") and run.stdout == "", run
