import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from bordstein_gateway import log


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_json_object_a_line() -> None:
    stream = io.StringIO()
    log.setup("info", "auto", stream)
    structlog.get_logger().info("stored", packs=12, device="24a160123456", name="Prüfstand")
    logging.getLogger("paho").warning("lost %s", "it", extra={"packs": 3})
    first, second = lines(stream)
    assert (first["event"], first["level"], first["packs"], first["name"]) == ("stored", "info", 12, "Prüfstand")
    assert str(first["timestamp"]).endswith("Z")
    assert (second["event"], second["level"], second["packs"]) == ("lost it", "warning", 3)


def test_levels_below_the_wanted_one_are_silent() -> None:
    stream = io.StringIO()
    log.setup("warning", "json", stream)
    structlog.get_logger().info("quiet")
    logging.getLogger("x").info("quiet")
    structlog.get_logger().error("loud")
    assert [line["event"] for line in lines(stream)] == ["loud"]


def test_an_exception_stays_in_its_line() -> None:
    stream = io.StringIO()
    log.setup("info", "json", stream)
    try:
        raise ValueError("broken")
    except ValueError:
        structlog.get_logger().exception("failed")
    (line,) = lines(stream)
    assert "broken" in json.dumps(line["exception"])


def test_the_console_is_for_people() -> None:
    stream = io.StringIO()
    log.setup("info", "console", stream)
    structlog.get_logger().info("stored", packs=12)
    assert "stored" in stream.getvalue() and not stream.getvalue().startswith("{")


@pytest.mark.parametrize("style", ["json", "console"])
def test_an_exception_shows_no_variable(style: str) -> None:
    stream = io.StringIO()
    log.setup("info", style, stream)

    def connect(password: str) -> None:
        raise ValueError("broken")

    try:
        connect("".join(["ge", "heim"]))
    except ValueError:
        structlog.get_logger().exception("failed")
        logging.getLogger("x").exception("failed")
    assert stream.getvalue().count("connect") >= 2 and "broken" in stream.getvalue()
    assert "geheim" not in stream.getvalue()


def test_a_message_has_no_second_one_with_colours() -> None:
    stream = io.StringIO()
    log.setup("info", "json", stream)
    logging.getLogger("uvicorn.error").info("up on %s", "x", extra={"color_message": "up on \x1b[1m%s\x1b[0m"})
    assert "color_message" not in lines(stream)[0] and lines(stream)[0]["event"] == "up on x"


@pytest.mark.parametrize("name", ["httpx2", "httpcore2"])
def test_no_request_is_told_with_its_whole_address(name: str) -> None:
    stream = io.StringIO()
    log.setup("debug", "json", stream)
    logging.getLogger(name).info("HTTP Request: POST %s", "https://example.org/x?token=geheim")
    assert "geheim" not in stream.getvalue()


@pytest.mark.parametrize("style", ["json", "console"])
def test_no_secret_is_written(style: str) -> None:
    stream = io.StringIO()
    log.setup("debug", style, stream)
    event = {
        "password": "geheim",
        "headers": {"Authorization": "geheim", "X-Town": "Musterstadt"},
        "targets": [{"token": "geheim"}],
        "url": "https://user:geheim@example.org/x",
        "password_file": "/etc/bordstein/pw",
    }
    structlog.get_logger().info("configured", **event)
    logging.getLogger("x").info("connecting to %s", "mqtts://user:geheim@broker", extra={"api_key": "geheim"})
    assert "geheim" not in stream.getvalue()
    assert "Musterstadt" in stream.getvalue() and "/etc/bordstein/pw" in stream.getvalue()
