"""For all tests: those that take long begin first, or one worker would still be at them when the others are through."""

import signal
from collections import defaultdict

import pytest

LONG_S = {
    "street/test_pulled_cables.py": 210,
    "street/test_release.py": 200,
    "street/test_street.py": 200,
    "tools/test_watch.py": 130,
    "street/test_technician_page.py": 130,
    "street/test_batch.py": 115,
    "street/test_setup_command.py": 110,
    "browser": 110,
    "tools/test_selftest.py": 95,
    "street/test_secrets.py": 90,
    "street/test_board_config.py": 80,
    "firmware/mpy_cycle.py": 75,
    "gateway/test_errands.py": 60,
    "tools/test_deploy.py": 60,
    "firmware/mpy_cycle_month.py": 55,
    "gateway/test_forward.py": 55,
    "street/test_certificate.py": 50,
    "street/test_readme.py": 50,
    "firmware/mpy_certificate.py": 45,
    "firmware/mpy_wipe.py": 45,
    "street/test_sleeping_board.py": 40,
    "street/test_work.py": 40,
    "gateway/test_procedures_killed.py": 35,
}
"""Modules, and about how long each takes on a busy machine. One that is not here only makes the whole take longer.
"browser": all modules with pages in a browser, together, so that not each worker starts one."""


def pytest_configure() -> None:
    """Programs that are interrupted in tests inherit this: a shell's background, as on some CI, ignores Ctrl-C."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long modules go, whole, to the beginnings of the stretches that pytest-xdist's worksteal gives to the workers."""
    workers = int(getattr(config, "workerinput", {}).get("workercount", 1))
    modules: dict[str, list[pytest.Item]] = defaultdict(list)
    rest: list[pytest.Item] = []
    for item in items:
        name = "browser" if "chromium" in getattr(item, "fixturenames", ()) else "/".join(item.path.parts[-2:])
        (modules[name] if name in LONG_S else rest).append(item)
    shares: list[list[pytest.Item]] = [[] for _ in range(workers)]
    loads = [0] * workers
    for name in sorted(modules, key=lambda name: -LONG_S[name]):
        least = loads.index(min(loads))
        shares[least] += modules[name]
        loads[least] += LONG_S[name]
    ordered: list[pytest.Item] = []
    for number, share in enumerate(shares):
        size = (len(items) - len(ordered)) // (workers - number)
        more = max(0, size - len(share))
        ordered += share + rest[:more]
        del rest[:more]
    items[:] = ordered + rest
