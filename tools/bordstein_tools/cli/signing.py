"""`bordstein signing …`: the key that signs releases."""

from pathlib import Path
from typing import Annotated

import typer

from ..keys import keyfiles
from ..texts import Problem, pick
from .ca import FOLDER, Json, PassphraseFile, new_passphrase, refuse_both
from .commands import FLAG, group, verb
from .output import answer, failed

app = group("Der Schlüssel, der Software signiert.", "The key that signs software.")


@app.callback()
def _group() -> None:
    pass


@verb(app, "Einen Signaturschlüssel anlegen.", "Make a signing key.")
def init(
    folder: Annotated[Path, typer.Option("--out", metavar=FOLDER, help=pick("Zielordner.", "Target folder."))] = Path(
        "bordstein-signing"
    ),
    passphrase_file: PassphraseFile = None,
    no_passphrase: Annotated[
        bool,
        typer.Option(
            "--no-passphrase",
            metavar=FLAG,
            help=pick("Den Schlüssel unverschlüsselt ablegen.", "Store the key without encryption."),
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    refuse_both(no_passphrase, passphrase_file)
    try:
        keyfiles.refuse_existing(folder / "release.key.pem")  # before anybody thinks of a passphrase
        passphrase = None
        if not no_passphrase:
            passphrase = new_passphrase(
                passphrase_file, "Neue Passphrase für den Signaturschlüssel", "New passphrase for the signing key"
            )
        from ..keys import signing  # takes its time to load

        signing.create(folder, passphrase)
    except Problem as problem:
        failed(problem, as_json)
    key, public = folder / "release.key.pem", folder / "release.pub"
    answer(
        as_json,
        {"kind": "signing", "key": str(key), "public": str(public), "encrypted": passphrase is not None},
        f"{public} gehört auf jedes Board, neben config.json; bei einem Wechsel stehen alter und neuer Schlüssel "
        f"darin, je eine Zeile. Wer {key} hat, bestimmt, welche Software läuft: in den Tresor, eine zweite Kopie an "
        "einen anderen Ort, und nicht auf Broker oder Gateway.",
        f"{public} belongs on every board, beside config.json; while one key takes over from another both are in it, a "
        f"line each. Who has {key} decides what software runs: keep it in the safe, a second copy elsewhere, and not "
        "on the broker or the gateway.",
    )
