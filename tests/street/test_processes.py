"""What the street starts ends with it, and comes back where it was."""

import socket
import subprocess
import sys

import psutil
import pytest

from tests.street.client import Client
from tests.street.processes import ROOT, NotReady, Process, free_port, until
from tests.street.servers import GATEWAY_USER, Mosquitto


def test_children_end_even_when_their_parent_is_killed(tmp_path):
    script = f"""
import sys, threading
from pathlib import Path
from tests.street.processes import Process
process = Process("sleeper", ["sh", "-c", "exec sleep 600"], Path({str(tmp_path / "log")!r}))
thread = threading.Thread(target=process.start)  # the thread that asked for it ends, the process does not
thread.start()
thread.join()
print(process.pid, flush=True)
sys.stdin.read()
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    sleeper = psutil.Process(int(parent.stdout.readline()))
    assert sleeper.is_running()
    parent.kill()
    parent.communicate()
    assert until(lambda: not sleeper.is_running() or sleeper.status() == psutil.STATUS_ZOMBIE, 20)


def test_ports_are_not_given_twice_while_their_server_is_down():
    one, two = free_port(), free_port()
    assert one != two
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sign, pytest.raises(OSError, match="in use"):
        sign.bind(("127.0.0.1", one))


def test_a_server_that_does_not_start_says_why(tmp_path):
    broken = Process("broken", ["sh", "-c", "echo no such thing; exit 3"], tmp_path / "log")
    broken.start()
    with pytest.raises(NotReady, match=r"ended with 3 while starting:\nno such thing"):
        broken.wait_ready(lambda: False, 20)


def test_killed_broker_comes_back_on_its_port_with_what_it_had_saved(town, tmp_path):
    with Mosquitto(town, folder=tmp_path) as broker:
        with Client(broker.port, town.context(town.gateway()), name=GATEWAY_USER) as gateway:
            gateway.publish("bordstein/v1/24a160000001/command", b"kept", retain=True)
        assert broker.stop() == 0
        broker.start()
        broker.kill()
        broker.start()
        with Client(broker.port, town.context(town.device("24a160000001"))) as device:
            device.subscribe("bordstein/v1/24a160000001/#")
            assert device.receive().payload == b"kept"
