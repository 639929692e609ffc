"""`bordstein ca`: answers, exit codes, and that no secret is ever printed."""

import getpass
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from bordstein_tools.cli import ca as cli_ca
from bordstein_tools.keys import pki
from tests import warm

DEVICE, OTHER = "24a160123456", "24a160123457"
PASSPHRASE = "ein langer Satz für die Stadt"


def bordstein(*arguments: object, folder: Path, lang: str = "en", stdin: str = "") -> subprocess.CompletedProcess[str]:
    return warm.run("bordstein", *arguments, cwd=folder, lang=lang, env={"COLUMNS": "200"}, stdin=stdin)


def test_a_town_sets_up_its_authority_in_four_commands(tmp_path):
    (tmp_path / "passphrase").write_text(PASSPHRASE + "\n")
    secret = ("--passphrase-file", "passphrase", "--json")
    made = json.loads(bordstein("ca", "init", "--name", "Musterstadt", *secret, folder=tmp_path).stdout)
    assert made["encrypted"] is True
    for words, name in (
        (("broker", "mqtt.musterstadt.de", "192.0.2.7"), "mqtt.musterstadt.de"),
        (("gateway",), "bordstein-gateway"),
        (("device", "24:A1:60:12:34:56"), "24a160123456"),
    ):
        run = bordstein("ca", "issue", *words, *secret, folder=tmp_path)
        assert run.returncode == 0, run.stderr
        answer = json.loads(run.stdout)
        assert answer["name"] == name
        assert (tmp_path / answer["certificate"]).exists()
        assert (tmp_path / answer["key"]).exists()


def test_what_is_revoked_stands_in_the_list_once_and_for_good(tmp_path):
    assert bordstein("ca", "init", "--no-passphrase", folder=tmp_path).returncode == 0
    for out in ("first", "second"):
        bordstein("ca", "issue", "device", "24a160123456", "--out", out, folder=tmp_path)
    bordstein("ca", "issue", "gateway", folder=tmp_path)
    done = bordstein("ca", "revoke", "24-A1-60-12-34-56", "--json", folder=tmp_path)
    first = json.loads(done.stdout)["revoked"]
    assert len(first) == 2 and done.returncode == 0
    again = bordstein("ca", "revoke", "24a160123456", folder=tmp_path)
    assert again.returncode == 0 and "already revoked" in again.stdout and "crlfile" in again.stdout
    serial = bordstein("ca", "revoke", "bordstein-gateway", folder=tmp_path, lang="de").stdout
    assert "1 Zertifikat von „bordstein-gateway“ gesperrt" in serial
    folder = tmp_path / "bordstein-ca"
    crl = x509.load_pem_x509_crl((folder / "ca.crl.pem").read_bytes())
    authority = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    assert crl.is_signature_valid(authority.public_key())
    assert crl.next_update_utc == authority.not_valid_after_utc
    noted = (folder / "revoked.csv").read_text().splitlines()
    assert {f"{one.serial_number:x}" for one in crl} == {line.split(",")[0] for line in noted[1:]} > set(first)
    unknown = bordstein("ca", "revoke", "24a1600000ff", folder=tmp_path)
    assert unknown.returncode == 1 and "issued nothing" in unknown.stderr
    (folder / "revoked.csv").write_text("serial\nzzz,device,x,y\n")
    broken = bordstein("ca", "revoke", "24a160123456", folder=tmp_path)
    assert broken.returncode == 1 and "line 2" in broken.stderr and "Traceback" not in broken.stderr


@pytest.mark.parametrize("lang", ["de", "en"])
def test_keys_and_passphrase_are_never_printed(tmp_path, lang):
    (tmp_path / "passphrase").write_text(PASSPHRASE)
    said = ""
    for words in (("init",), ("issue", "device", "24a160123456"), ("issue", "device", "24a160123456")):
        run = bordstein("ca", *words, "--passphrase-file", "passphrase", folder=tmp_path, lang=lang)
        said += run.stdout + run.stderr
    assert "24a160123456" in said
    assert PASSPHRASE not in said
    assert "PRIVATE KEY" not in said
    for path in tmp_path.rglob("*.key.pem"):
        for line in path.read_text().splitlines()[1:-1]:
            assert line not in said


def test_key_without_passphrase_only_when_said_so(tmp_path):
    refused = bordstein("ca", "init", folder=tmp_path, lang="de")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == "bordstein: Kein Terminal: --passphrase-file angeben.\n"
    assert not (tmp_path / "bordstein-ca").exists()
    assert bordstein("ca", "init", "--no-passphrase", folder=tmp_path).returncode == 0
    key = (tmp_path / "bordstein-ca/ca.key.pem").read_bytes()
    assert serialization.load_pem_private_key(key, None)


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("issue", "device", "24a160123456", "--ca", "nowhere"), 1, "there is no authority in nowhere"),
        (("issue", "device", "24a16012345"), 1, "expected the base MAC"),
        (("issue", "broker", "*.musterstadt.de"), 1, "expected a host name or an IP address"),
        (("issue", "gateway", "24a160123456"), 1, "not the shape of a device id"),
        (("init", "--no-passphrase"), 1, 'go on with "bordstein ca issue". A second one: --ca FOLDER'),
        (("init",), 1, "is already there"),
        (("init", "--no-passphrase", "--passphrase-file", "x"), 2, "exclude each other"),
        (("init", "--ca", "other", "--passphrase-file", "missing"), 1, "cannot be read (No such file or directory)"),
        (("init", "--ca", "other", "--passphrase-file", "short"), 1, "at least 12 characters"),
        (("init", "--ca", "file/below", "--no-passphrase"), 1, "cannot be written"),
        (("issue",), 2, "Usage"),
        (("issue", "device"), 2, "Missing argument"),
        (("issue", "device", "24a160123456", "--days", "0"), 2, "--days"),
    ],
)
def test_every_mistake_is_one_sentence_with_its_exit_code(tmp_path, words, code, sentence):
    assert bordstein("ca", "init", "--no-passphrase", folder=tmp_path).returncode == 0
    (tmp_path / "short").write_text("kurz\n")
    (tmp_path / "file").write_text("")
    run = bordstein("ca", *words, folder=tmp_path)
    assert run.returncode == code
    assert sentence in run.stdout + run.stderr
    assert "Traceback" not in run.stderr


def test_a_passphrase_is_typed_twice_and_the_same(tmp_path, monkeypatch, capsys):
    typed = iter([PASSPHRASE, "etwas ganz anderes", PASSPHRASE, PASSPHRASE, PASSPHRASE])
    monkeypatch.setattr(getpass, "getpass", lambda prompt: next(typed))
    monkeypatch.setenv("BORDSTEIN_LANG", "de")
    folder = str(tmp_path / "ca")
    for code, words in ((1, ["init"]), (0, ["init"]), (0, ["issue", "gateway"])):
        with pytest.raises(SystemExit) as ended:
            cli_ca.app([*words, "--ca", folder])
        assert ended.value.code == code
        if code:
            assert (
                capsys.readouterr().err
                == "bordstein: Die beiden Passphrasen sind verschieden; nichts wurde angelegt.\n"
            )
    assert pki.is_encrypted(Path(folder))


def test_errors_are_objects_for_machines(tmp_path):
    run = bordstein("ca", "issue", "device", "24a160123456", "--json", folder=tmp_path)
    assert run.returncode == 1
    assert list(json.loads(run.stdout)) == ["error"]


def test_german_comes_first_and_english_is_complete(tmp_path):
    german = bordstein("ca", "issue", "device", "xy", folder=tmp_path, lang="de")
    assert "keine Zertifizierungsstelle" in german.stderr
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG", "BORDSTEIN"))}
    help_text = subprocess.run(
        [Path(sys.executable).with_name("bordstein"), "--help"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "Straßensensoren" in help_text
    assert "street sensors" in bordstein("--help", folder=tmp_path, lang="en_GB.UTF-8").stdout


def test_german_sentences_are_german_to_their_end(tmp_path):
    missing = bordstein("ca", "init", "--passphrase-file", "missing", folder=tmp_path, lang="de")
    assert missing.stderr == "bordstein: Die Passphrase-Datei missing ist nicht lesbar (das gibt es nicht).\n"
    made = bordstein("ca", "init", "--no-passphrase", folder=tmp_path, lang="de").stdout
    assert "„Bordstein CA“" in made and "Bewahren Sie die Datei" in made


def test_version_is_the_package_version(tmp_path):
    from bordstein_tools import __version__

    assert bordstein("--version", folder=tmp_path).stdout.strip() == f"bordstein {__version__}"


def said(folder: Path, *arguments: object) -> dict[str, Any]:
    run = bordstein("ca", *arguments, "--json", folder=folder)
    assert "Traceback" not in run.stderr
    return json.loads(run.stdout)


def test_a_device_keeps_its_key_and_gets_a_certificate_that_lasts_longer(tmp_path):
    said(tmp_path, "init", "--no-passphrase")
    said(tmp_path, "issue", "device", DEVICE, "--out", "gone", "--days", 20)
    said(tmp_path, "issue", "device", OTHER)
    said(tmp_path, "issue", "gateway", "--days", 10)
    folder = tmp_path / "bordstein-ca"
    old = x509.load_der_x509_certificate((tmp_path / "gone/device.der").read_bytes())
    for path in (tmp_path / "gone").iterdir():  # as after `bordstein setup`: its key is on the board and nowhere else
        path.unlink()
    soon = said(tmp_path, "list", "--ends-within", 30)["certificates"]
    assert [(one["name"], one["state"]) for one in soon] == [("bordstein-gateway", "valid"), (DEVICE, "valid")]

    [done] = said(tmp_path, "renew", "--ends-within", 30, "--days", 1000)["renewed"]
    assert (done["name"], done["before"]) == (DEVICE, f"{old.serial_number:x}")
    content = (tmp_path / done["certificate"]).read_bytes()
    new = x509.load_der_x509_certificate(content)
    assert new.public_key() == old.public_key() and new.subject == old.subject and len(content) < 1024
    assert new.not_valid_after_utc > old.not_valid_after_utc and new.serial_number != old.serial_number
    new.verify_directly_issued_by(x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes()))
    assert new.extensions.get_extension_for_class(x509.ExtendedKeyUsage) == old.extensions.get_extension_for_class(
        x509.ExtendedKeyUsage
    )
    assert said(tmp_path, "renew", "--ends-within", 30) == {"renewed": []}

    known = said(tmp_path, "list", DEVICE, "--all")["certificates"]
    assert [(one["serial"], one["state"]) for one in known] == [
        (done["before"], "replaced"),
        (done["serial"], "valid"),
    ]
    assert len(said(tmp_path, "revoke", done["before"])["revoked"]) == 1
    assert [one["state"] for one in said(tmp_path, "list", DEVICE, "--all")["certificates"]] == ["revoked", "valid"]
    assert said(tmp_path, "renew", DEVICE)["renewed"][0]["before"] == done["serial"]
    # Who revokes a board revokes all that it ever had.
    said(tmp_path, "revoke", DEVICE)
    crl = x509.load_pem_x509_crl((folder / "ca.crl.pem").read_bytes())
    certificates = said(tmp_path, "list", DEVICE, "--all")["certificates"]
    assert {f"{one.serial_number:x}" for one in crl} == {one["serial"] for one in certificates} and len(crl) == 3
    assert "are revoked and are not renewed" in said(tmp_path, "renew", DEVICE)["error"]
    assert OTHER in bordstein("ca", "list", folder=tmp_path).stdout


def test_what_cannot_be_renewed_is_said_and_the_others_are(tmp_path):
    said(tmp_path, "init", "--no-passphrase", "--days", 100)
    for device in (DEVICE, OTHER):
        said(tmp_path, "issue", "device", device, "--days", 20)
    folder = tmp_path / "bordstein-ca"
    issued = {one["name"]: one["serial"] for one in said(tmp_path, "list")["certificates"]}
    (
        folder / "issued" / f"{issued[DEVICE]}.der"
    ).unlink()  # of an authority that kept no copies: the board's folder has it
    assert said(tmp_path, "renew", DEVICE)["renewed"][0]["before"] == issued[DEVICE]
    (folder / "issued" / f"{issued[OTHER]}.der").unlink()
    (folder / "devices" / OTHER / "device.der").unlink()
    run = bordstein("ca", "renew", "--ends-within", 1000, "--days", 10, folder=tmp_path)
    assert run.returncode == 1 and run.stdout == "" and len(run.stderr.splitlines()) == 2
    assert "no copy of certificate" in run.stderr and "would not last longer" in run.stderr
    lines = (folder / "issued.csv").read_text().splitlines()
    assert len(lines) == 4  # nothing is noted that was not made
    assert [path.stem for path in (folder / "issued").iterdir()] == [lines[3].split(",")[0]]
    for words, code, sentence in (
        (("renew",), 2, "which ones?"),
        (("renew", "24a1600000ff"), 1, "issued nothing"),
        (("list", "24a1600000ff"), 1, "issued nothing"),
        (("list", "--ca", "nowhere"), 1, "no authority in nowhere (no ca.pem)"),
        (("renew", DEVICE, "--ca", "nowhere"), 1, "no authority in nowhere (no ca.pem)"),
        (("renew", "--ends-within", 9, "--ca", "nowhere"), 1, "no authority in nowhere (no ca.pem)"),
    ):
        run = bordstein("ca", *words, folder=tmp_path)
        assert (run.returncode, run.stdout) == (code, "") and sentence in run.stderr, run
        assert len(run.stderr.splitlines()) == 1
    for end in ("yesterday", "2036-11-26T00:00:00"):  # the latter says not whose midnight
        (folder / "issued.csv").write_text(f"serial,kind,name,not_after\nab,device,x,{end}\n")
        assert "line 2" in bordstein("ca", "list", "--ends-within", "9", folder=tmp_path).stderr
