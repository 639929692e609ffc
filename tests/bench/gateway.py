"""The gateway's figures: processor time and throughput with everything on, against paho alone; memory; bytes on disk.

    python -m tests.bench.gateway

Broker, load and gateway are processes of their own; the listener is plain TCP, in both runs, so that what is measured
is the way of a pack and not OpenSSL.
"""

import contextlib
import getpass
import json
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from tests.street.processes import ROOT, Process, free_port, until
from tests.street.servers import mosquitto_path

READY = ROOT / "gateway/bordstein_gateway/rules/ready"
PACKS = 60_000
WARM_UP = 5_000
READINGS = 4
LIMIT_S = 300

_BROKER = """\
user {user}
listener {port} 127.0.0.1
allow_anonymous true
max_queued_messages 0
max_inflight_messages 2000
persistence false
log_dest none
"""
_GATEWAY = """\
[gateway]
data = "{folder}"
[mqtt]
host = "127.0.0.1"
port = {port}
tls = false
[http]
port = {http}
[log]
level = "warning"
"""


class Broker(Process):
    """A Mosquitto in plain TCP that drops nothing."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        conf = folder / "mosquitto.conf"
        conf.write_text(_BROKER.format(user=getpass.getuser(), port=self.port))
        super().__init__("mosquitto", [mosquitto_path(), "-c", conf], folder / "mosquitto.log")

    def start(self) -> None:
        super().start()
        connections = psutil.Process(self.pid).net_connections
        self.wait_ready(lambda: any(c.status == psutil.CONN_LISTEN for c in connections()), 20)


@contextlib.contextmanager
def _load(port: int, count: int) -> Iterator[subprocess.Popen[str]]:
    """Ready to send; a line on its standard input starts it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.load", str(port), str(count)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.wait()


def _go(load: subprocess.Popen[str]) -> None:
    assert load.stdin is not None
    load.stdin.write("go\n")
    load.stdin.flush()


def _bare(folder: Path) -> float:
    """Processor seconds of paho alone for a million packs."""
    with Broker(folder) as broker, _load(broker.port, PACKS) as load:
        client = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.bare", str(broker.port), str(PACKS)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert client.stdout is not None
        client.stdout.readline()
        _go(load)
        seconds = float(client.stdout.readline())
        client.wait()
    return seconds / PACKS * 1e6


def _seven(folder: Path) -> str:
    """The ready sheets in force; the sections with the desks that they name."""
    rules = folder / "rules"
    rules.mkdir()
    desks: set[str] = set()
    for sheet in READY.glob("*.toml"):
        text = sheet.read_text(encoding="utf-8")
        (rules / sheet.name).write_text(text, encoding="utf-8")
        found = tomllib.loads(text)
        desks |= {found["owner"], found["deputy"], *(step["desk"] for step in found["step"] if "desk" in step)}
    return "".join(f'[desk.{desk}]\ntitle = "{desk}"\n' for desk in sorted(desks))


def _durable(folder: Path, more: str = "") -> dict[str, float]:
    with Broker(folder) as broker:
        http = free_port()
        config = folder / "gateway.toml"
        config.write_text(_GATEWAY.format(folder=folder, port=broker.port, http=http) + more)
        program = Path(sys.executable).with_name("bordstein-gateway")
        gateway = Process("gateway", [program, "run", "--config", config], folder / "gateway.log")
        url = f"http://127.0.0.1:{http}/metrics"
        with gateway, _load(broker.port, PACKS + WARM_UP) as load:
            gateway.wait_ready(lambda: _metric(url, "bordstein_broker_connected") == 1, 30)
            process = psutil.Process(gateway.pid)
            _go(load)
            stored = 'bordstein_packs_total{outcome="new"}'
            if not until(lambda: _metric(url, stored) >= WARM_UP, LIMIT_S, 0.1):
                raise RuntimeError(f"the gateway stores nothing:\n{gateway.tail()}")
            first, cpu, begun = _metric(url, stored), _cpu(process), time.perf_counter()
            if not until(lambda: _metric(url, stored) >= PACKS + WARM_UP, LIMIT_S, 0.1):
                raise RuntimeError(f"{_metric(url, stored)} of {PACKS + WARM_UP} packs stored:\n{gateway.tail()}")
            packs = PACKS + WARM_UP - first
            result = {
                "cpu": (_cpu(process) - cpu) / packs * 1e6,
                "packs": packs / (time.perf_counter() - begun),
                "rss": process.memory_info().rss / 1e6,
            }
        size = sum(file.stat().st_size for file in folder.glob("bordstein.sqlite*"))
        result["bytes"] = size / (PACKS + WARM_UP) / READINGS
    return result


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _metric(url: str, name: str) -> float:
    import urllib.request

    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            text = answer.read().decode()
    except OSError:
        return -1
    return next((float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name)), -1)


def run() -> Iterator[dict[str, Any]]:
    """Yields one figure after the other: {"name", "value", "unit"}."""
    with (
        tempfile.TemporaryDirectory() as one,
        tempfile.TemporaryDirectory() as two,
        tempfile.TemporaryDirectory() as three,
    ):
        bare = _bare(Path(one))
        yield {"name": "gateway.bare_paho.cpu_s_per_million_packs", "value": round(bare, 1), "unit": "s"}
        durable = _durable(Path(two))
        sheets = _durable(Path(three), _seven(Path(three)))
    yield {"name": "gateway.durable.cpu_s_per_million_packs", "value": round(durable["cpu"], 1), "unit": "s"}
    yield {"name": "gateway.durable.packs_per_s", "value": round(durable["packs"]), "unit": "1/s"}
    yield {"name": "gateway.rss_mb_500_devices", "value": round(durable["rss"], 1), "unit": "MB"}
    yield {"name": "gateway.seven_sheets.cpu_s_per_million_packs", "value": round(sheets["cpu"], 1), "unit": "s"}
    yield {"name": "gateway.seven_sheets.rss_mb_500_devices", "value": round(sheets["rss"], 1), "unit": "MB"}
    yield {"name": "store.bytes_per_reading", "value": round(durable["bytes"], 1), "unit": "B"}


if __name__ == "__main__":
    for figure in run():
        print(json.dumps(figure), flush=True)
