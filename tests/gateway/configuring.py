"""For the configuration's tests: a gateway.toml in a folder, and what it names beside it."""

import os
from pathlib import Path

from bordstein_gateway.config import config
from bordstein_gateway.web import readers

MQTT = '[mqtt]\nhost = "localhost"\nca = "ca.pem"\ncert = "gateway.pem"\nkey = "gateway.key"\n'


def problems(folder: Path, text: str) -> list[str]:
    """The mistakes of a configuration with this text, each beginning with its line."""
    path = folder / "gateway.toml"
    path.write_text(text)
    return [problem.removeprefix(f"{path}:") for problem in config.problems(path)]


def load(folder: Path, text: str) -> config.Config:
    """The configuration of this text."""
    path = folder / "gateway.toml"
    path.write_text(text)
    return config.load(path)


def secrets(folder: Path) -> None:
    """Files beside it, good and bad, as the texts of the tests name them."""
    (folder / "empty").write_text("\n")
    (folder / "readers").write_text(f"kraft:{readers.NOBODY}\n")
    (folder / "secret").write_text("geheim\n")
    (folder / "umlaut").write_text("geheimö\n")
    (folder / "two lines").write_text("geheim\ngeheim\n")
    (folder / "address").write_text("http://depot.example.org/geheim\n")
    os.mkfifo(folder / "pipe")
