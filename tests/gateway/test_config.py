import os
import re
from pathlib import Path

import msgspec
import pytest

from bordstein_gateway.config import config, example
from bordstein_gateway.config import open_data as config_open
from bordstein_gateway.config import parking as config_parking
from bordstein_gateway.config.config import ConfigError
from bordstein_gateway.config.store import Retention
from bordstein_gateway.forward.cap.settings import CapWhen
from bordstein_gateway.forward.engine_settings import EngineWhen
from bordstein_gateway.forward.open311.settings import Open311When
from bordstein_gateway.store import Postgres
from tests.gateway.configuring import MQTT, load, problems, secrets

EXAMPLE = example.text()
KINDS = ", ".join(f'"{kind.__struct_config__.tag}"' for kind in config.AnyForward.__args__)


def test_the_example_is_right_once_its_files_exist(folder: Path) -> None:
    assert problems(folder, EXAMPLE) == []


def test_the_example_with_every_option_switched_on_is_right_and_changes_nothing(folder: Path) -> None:
    for name in re.findall(r'_file = "([\w-]+)"', EXAMPLE):
        (folder / name).write_text("x")
    switched = []
    for line in EXAMPLE.splitlines():
        option = re.match(r"#((?:\[|\w+ = ).*)", line)
        # Two ways to log in are alternatives; both in one place would be a mistake.
        login = re.match(r"#(?:\w*user\w*|password_file) = ", line)
        switched.append(option.group(1) if option and not login else line)
    loaded = load(folder, "\n".join(switched))
    plain = load(folder, EXAMPLE)
    assert (loaded.store_path, loaded.mqtt, loaded.http, loaded.log) == (
        plain.store_path,
        plain.mqtt,
        plain.http,
        plain.log,
    )
    assert (loaded.gateway, loaded.store.commit_packs, loaded.store.commit_ms) == (plain.gateway, 1000, 20)
    assert {type(target) for target in loaded.forward.values()} == set(config.AnyForward.__args__)
    assert set(loaded.input) == {"lora", "ttn", "tasmota", "esphome"}


def test_every_option_is_in_the_example() -> None:
    structs = [config.Gateway, config.Mqtt, config.Store, Retention, config.Http, config.Log, config.Device]
    structs.append(config.SensorThingsApi)
    published = [config_open.Publish, config_open.PublishProperty, config_open.PublishSeries]
    published += [config_parking.Parking, config_parking.Site, config_parking.Bay]
    published += [Open311When, EngineWhen, CapWhen]
    for struct in [*structs, *published, *config.AnyForward.__args__, *config.AnyInput.__args__]:
        for field in msgspec.structs.fields(struct):
            option = rf"^#? *(?:{field.encode_name} = |\[\[?.*\.{field.encode_name}\])"
            assert re.search(option, EXAMPLE, re.MULTILINE), f"{struct.__name__}.{field.name}"


def test_the_smallest_configuration_has_sensible_defaults(folder: Path) -> None:
    loaded = load(folder, MQTT)
    assert (loaded.mqtt.port, loaded.mqtt.client_id, loaded.mqtt.protocol, loaded.mqtt.tls) == (
        8883,
        "bordstein-gateway",
        4,
        True,
    )
    assert loaded.store_path == Path("/var/lib/bordstein/bordstein.sqlite")
    assert loaded.http.host == "127.0.0.1"
    assert loaded.mqtt.key == str(folder / "gateway.key")


def test_all_that_can_be_said_arrives(folder: Path) -> None:
    (folder / "secret").write_text("s3cret\n")
    loaded = load(
        folder,
        MQTT
        + """
[[device]]
id = "24a160123456"
name = "Marktplatz 7"
latitude = 53
longitude = 9.9937
[forward.frost]
kind = "sensorthings"
url = "https://frost.example.org/v1.1"
user = "bordstein"
password_file = "secret"
members = { Projects = [{ "@iot.id" = 1 }] }
properties = ["pm10"]
[forward.hook]
kind = "webhook"
url = "http://127.0.0.1:9/hook"
secret_file = "secret"
headers = { "X-Town" = "Musterstadt", "X-Country-Code" = "DE" }
batch = 7
""",
    )
    assert loaded.devices == [config.Device(id="24a160123456", name="Marktplatz 7", latitude=53.0, longitude=9.9937)]
    frost, hook = loaded.forward["frost"], loaded.forward["hook"]
    assert isinstance(frost, config.SensorThings) and isinstance(hook, config.Webhook)
    assert (frost.members, frost.properties, frost.batch) == ({"Projects": [{"@iot.id": 1}]}, ["pm10"], 500)
    assert (hook.secret_file, hook.headers, hook.batch) == (
        str(folder / "secret"),
        {"X-Town": "Musterstadt", "X-Country-Code": "DE"},
        7,
    )


def test_an_address_with_a_secret_and_secret_headers_come_from_files(folder: Path) -> None:
    (folder / "address").write_text("https://depot.example.org/hook?token=geheim\n")
    (folder / "secret").write_text("s3cret\n")
    files = 'url_file = "address"\nheader_files = { "X-Api-Key" = "secret" }\n'
    loaded = load(folder, MQTT + '[forward.hook]\nkind = "webhook"\n' + files)
    hook = loaded.forward["hook"]
    assert hook.url == "https://depot.example.org/hook?token=geheim"
    assert hook.header_files == {"X-Api-Key": str(folder / "secret")}
    wanted = [str(folder / name) for name in ("gateway.key", "address", "secret")]
    assert sorted(loaded.secret_files) == sorted(wanted)


def test_all_mistakes_are_said_at_once_in_the_order_of_their_lines(folder: Path) -> None:
    found = problems(
        folder,
        """[gateway]
nmae = "x"
data = "here"
[mqtt]
port = "abc"
ca = "nowhere.pem"
cert = "gateway.pem"
protocol = 3
[[device]]
id = "24A160123456"
[[device]]
id = "24a160123456"
[[device]]
id = "24a160123456"
latitude = 91
[forward.frost]
kind = "sensorthing"
timeout = 0
[forward.hook]
kind = "webhook"
url = "https://depot.example.org/"
batch = 0
properties = ["pm10", "air_temprature"]
[forwrad.x]
""",
    )
    assert found == [
        "2: gateway.nmae: there is no such key here; is name meant?",
        '3: gateway.data: expected an absolute path, got "here"',
        "4: mqtt: host is missing: a host name or an IP address, as in mqtt.musterstadt.de",
        '5: mqtt.port: expected an integer 1..65535, got "abc"',
        f"6: mqtt.ca: there is no file {folder}/nowhere.pem",
        "7: mqtt.cert: key is missing: the two belong together",
        "8: mqtt.protocol: expected one of 4, 5, got 3",
        "10: device[1].id: expected 12 lower-case hex digits, as in 24a160123456; 16 for other devices "
        '(EUI-64), or as in 4711-name, got "24A160123456"',
        "14: device[3].id: 24a160123456 is already device 2 of this file",
        "15: device[3].latitude: expected a number -90..90, got 91",
        "15: device[3].latitude: longitude is missing: the two belong together",
        f'17: forward.frost.kind: expected one of {KINDS}, got "sensorthing"',
        "18: forward.frost.timeout: expected an integer 1..600, got 0",
        "22: forward.hook.batch: expected an integer 1..10000, got 0",
        '23: forward.hook.properties[2]: no property of the table is called "air_temprature"; '
        "is air_temperature meant?",
        "24: forwrad: there is no such key here; is forward meant?",
    ]


HOOK = MQTT + '[forward.hook]\nkind = "webhook"\nurl = "https://depot.example.org/"\n'
OPEN = MQTT + '[http]\nreaders_file = "readers"\n[publish]\n'
SITE = MQTT + "[[parking.site]]\nuid = 'm'\nname = 'M'\n[[parking.site.bay]]\ndevice = '24a160123456'\n"
MISTAKES = [
    ("[mqtt]\nhost = 'x'\nhost = 'y'\n", "not TOML", 3),
    ("[mqtt\n", "not TOML", 1),
    ("", "there is nothing in it", 1),
    ("# x\n", "there is nothing in it", 1),
    ("[http]\n", "mqtt is missing: a table", 1),
    (f"x = {'[' * 5000}{']' * 5000}\n", "nested too deep", 0),
    (f"x = {'9' * 5000}\n", "not TOML", 2),
    ("mqtt = 1\n", "mqtt: expected a table, got 1", 1),
    (MQTT + "port = 0\n", "expected an integer 1..65535, got 0", 6),
    (MQTT + "port = true\n", "expected an integer 1..65535, got true", 6),
    (MQTT + "port = 8883.5\n", "got 8883.5", 6),
    (MQTT + "tls = 1\n", "expected true or false, got 1", 6),
    (MQTT + 'password = "geheim"\n', "mqtt.password: no secret stands in this file", 6),
    (MQTT + 'username = "x"\n', "password_file is missing", 6),
    (MQTT + 'client_id = "a b"\n', "letters, digits", 6),
    (MQTT + 'topic = "bordstein/#"\n', "without # and +", 6),
    (MQTT + "receive_maximum = 5\n", "20..65535", 6),
    (MQTT + "keepalive = nan\n", "got nan", 6),
    (MQTT + "keepalive = 0x" + "f" * 5000 + "\n", "got a huge number", 6),
    (MQTT.replace("localhost", "mqtts://broker:8883"), "mqtt.host: expected a host name or an IP address", 2),
    (MQTT.replace("localhost", "localhost\\nx"), 'got "localhost\\nx"', 2),
    (MQTT.replace("localhost", "broker:8883"), "mqtt.host: expected a host name", 2),
    (MQTT.replace("localhost", "192.0.2.700"), "mqtt.host: expected a host name", 2),
    (MQTT + 'topic = "a\\n"\n', "without # and +", 6),
    (MQTT + '"a\\nb" = 1\n', 'mqtt."a\\nb": there is no such key here', 6),
    (MQTT.replace("ca.pem", "a\\u0000"), 'mqtt.ca: expected the name of a file, got "a\\x00"', 3),
    (MQTT.replace("ca.pem", "pipe"), "is not a regular file", 3),
    (MQTT + '[gateway]\nname = "a\\n"\n', "letters, digits", 7),
    (MQTT + '[gateway]\ndata = "/a\\u0000"\n', "of one line and not empty", 7),
    (MQTT + '[store]\npath = "here.sqlite"\n', 'store.path: expected an absolute path, got "here.sqlite"', 7),
    (MQTT + '[store]\npath = "/"\n', "/ is a folder, not a file", 7),
    (MQTT + '[http]\nhost = "http://0.0.0.0"\n', "http.host: expected a host name", 7),
    (MQTT + '[[device]]\nid = "24a160123456\\n"\n', "12 lower-case hex digits", 7),
    (MQTT.replace("ca.pem", ""), "mqtt.ca: expected the name of a file", 3),
    (MQTT.replace("ca.pem", "."), "is a folder", 3),
    (MQTT.replace("ca.pem", "gateway.toml"), "holds no certificate", 3),
    (MQTT.replace("gateway.pem", "ca.pem"), "is not the key of the certificate", 5),
    (MQTT.replace("gateway.key", "ca.pem"), "no certificate and open key", 4),
    (MQTT.replace("gateway.key", "${NOWHERE}/key"), "${NOWHERE} is not set", 5),
    ('[mqtt]\nhost = "localhost"\n', "has to know who connects", 1),
    ('[mqtt]\nhost = "broker.example.org"\ntls = false\n', "without TLS only", 3),
    ('[mqtt]\nhost = "localhost"\ntls = false\nca = "ca.pem"\n', "no use with tls = false", 4),
    (MQTT + "[store]\ncommit_packs = 0\n", "store.commit_packs: expected an integer 1..10000, got 0", 7),
    (MQTT + "[http]\nport = 70000\n", "http.port: expected an integer 1..65535, got 70000", 7),
    (MQTT + '[log]\nlevel = "loud"\n', 'one of "debug", "error", "info", "warning", got "loud"', 7),
    (MQTT + "[device]\nid = 1\n", "device: expected a list, got a table", 6),
    (MQTT + "[[device]]\nname = 'x'\n", "device[1]: id is missing", 6),
    (MQTT + "[[device]]\nid = '24a160123456'\nname = ''\n", "not empty, got", 8),
    (MQTT + "forward = 1\n", "mqtt.forward: there is no such key here", 6),
    (MQTT + '[forward."a b"]\nkind = "webhook"\nurl = "https://x"\n', "letters, digits", 6),
    (MQTT + '[forward.x]\nurl = "https://x"\n', "kind is missing", 6),
    (MQTT + '[forward.x]\nkind = "webhook"\n', "url is missing", 6),
    (MQTT + "[forward.x]\nkind = 'webhook'\nurl = 'https://x'\n[forward.x]\n", "not TOML", 9),
    (HOOK + "members = { a = 1 }\n", "forward.hook.members: there is no such key here", 9),
    (HOOK + 'secret = "geheim"\n', "name that file as secret_file", 9),
    (HOOK + 'token = "geheim"\n', "name that file as token_file", 9),
    (HOOK + 'headers = { authorization = "geheim" }\n', "no secret stands in this file", 9),
    (HOOK + 'headers = { "X-A" = 1 }\n', "forward.hook.headers.X-A: expected text in quotes, got 1", 9),
    (HOOK + 'token_file = "empty"\n', "is empty", 9),
    (HOOK + 'user = "u"\npassword_file = "secret"\ntoken_file = "secret"\n', "not both", 11),
    (HOOK.replace("https", "http") + 'token_file = "secret"\n', "in the clear: use https://", 8),
    (HOOK.replace("depot.", "u:geheim@depot."), "no user or password stands in an address", 8),
    (HOOK.replace("https://", "ftp://u:geheim@"), 'got "ftp://…@depot', 8),
    *(
        (HOOK.replace("https://depot.example.org/", url), "forward.hook.url: is not an address", 8)
        for url in ("https://[x", "https://h:abc/", "https://:80/", "https://h:99999/", "https://h:0/", "https://a..b/")
    ),
    (HOOK.replace("org/", "org/a b"), "begins with https:// or http://", 8),
    (HOOK.replace("org/", "org/\\u0000"), "begins with https:// or http://", 8),
    (HOOK.replace("org/", "org/F#frag"), "the address ends before ? and #", 8),
    (HOOK.replace("webhook", "sensorthings").replace("org/", "org/F?x=1"), "the address ends before ? and #", 8),
    (HOOK.replace("org/", "org/F?x=1&token=geheim"), "hook.url: no secret stands in this file: write the whole", 8),
    (HOOK.replace("org/", "org/F?apiKey=geheim"), "name it as url_file", 8),
    (HOOK.replace("org/", "org/F?code=geheim"), "name it as url_file", 8),
    (HOOK + 'url_file = "address"\n', "either url or url_file", 9),
    (HOOK.replace('url = "https://depot.example.org/"', 'url_file = "secret"'), "url_file: is not an address", 8),
    (HOOK.replace('url = "https://depot.example.org/"', 'url_file = "address"'), "travel in the clear", 8),
    (HOOK + 'ca = "gateway.key"\n', "forward.hook.ca: ", 9),
    (HOOK + 'token_file = "umlaut"\n', "forward.hook.token_file: a header takes only", 9),
    (HOOK + 'token_file = "two lines"\n', "forward.hook.token_file: a header takes only", 9),
    (HOOK + 'user = "a:b"\npassword_file = "secret"\n', "no colon is allowed", 9),
    (HOOK + 'headers = { "Umläut" = "x" }\n', "forward.hook.headers.Umläut: no header has such a name", 9),
    (HOOK + 'headers = { "X-A" = "ö€" }\n', "headers.X-A: a header takes only", 9),
    (HOOK + 'headers = { "X-A" = "a\\r\\nX-B: c" }\n', "headers.X-A: a header takes only", 9),
    (HOOK + 'headers = { "" = "x" }\n', 'headers."": no header has such a name', 9),
    (HOOK + 'headers = { "X\\nA" = "x" }\n', 'headers."X\\nA": no header has such a name', 9),
    (HOOK + 'headers = { "content-length" = "3" }\n', "the gateway sets this header itself", 9),
    (HOOK + 'headers = { "X-Api-Key" = "geheim" }\n', "or header_files", 9),
    (HOOK + 'header_files = { "X-Api-Key" = "umlaut" }\n', "header_files.X-Api-Key: a header takes only", 9),
    (HOOK + 'header_files = { "X-Api-Key" = "empty" }\n', "is empty", 9),
    (HOOK + 'header_files = { "X-Api-Key" = "nowhere" }\n', "there is no file", 9),
    (HOOK + 'header_files = { X = "secret" }\nheaders = { x = "y" }\n', "already set in another way", 9),
    (HOOK + 'header_files = { Authorization = "secret" }\ntoken_file = "secret"\n', "already set in another way", 9),
    (HOOK + 'headers = { X-A = "1", x-a = "2" }\n', "headers.x-a: is there already", 9),
    (HOOK + 'source = "not a uri"\n', "forward.hook.source: expected a URI", 9),
    *(
        (HOOK.replace("webhook", "sensorthings") + f"members = {{ x = {{ y = [{value}] }} }}\n", said, 9)
        for value, said in (
            ("2020-01-01", 'JSON has no dates and times: write "2020-01-01" in quotes'),
            ("nan", "JSON has no nan"),
            ("-inf", "JSON has no -inf"),
            (f"0x{'f' * 5000}", "an integer is too large"),
            ("[" * 100 + "]" * 100, "is nested too deep"),
        )
    ),
    (HOOK + "max_age = 0x" + "f" * 500 + "\n", "expected an integer 0..1000000", 9),
    (HOOK + "timeout = 0\n", "expected an integer 1..600, got 0", 9),
    (OPEN.replace('readers_file = "readers"\n', ""), "publish: what is not public needs a login", 7),
    (OPEN.replace('"readers"', '"secret"'), "http.readers_file: nobody is in", 7),
    (OPEN.replace('"readers"', '"nowhere"'), "http.readers_file: there is no file", 7),
    (OPEN.replace("[http]\n", '[http]\nhost = "192.0.2.1"\n'), "http.readers_file: only with host", 8),
    (OPEN + 'licence = "dl-de/by-2.0"\n', "publish.licence: expected one of dl-de/zero-2-0, ", 9),
    (OPEN + 'licence = "CC-BY-4.0"\n', "publish.licence: publish.attribution is missing: this licence asks", 9),
    (OPEN + "[publish.properties.pm11]\npublish = true\n", "publish.properties.pm11: no property of the table", 9),
    (OPEN + '[publish.properties.pm10]\nlicence = "dl-de/by-2-0"\n', "pm10.licence: publish.attribution is", 10),
    (OPEN + 2 * '[[publish.series]]\ndevice = "24a160123456"\n', "series[2].device: entry 1 is of the same", 12),
    (OPEN + '[[publish.series]]\nseries = "air/pm10"\n', "publish.series[1]: device is missing", 9),
    (OPEN + '[[publish.series]]\ndevice = "24a160123456"\nseries = "a b"\n', "the name of a series", 11),
    (OPEN + 'municipality_key = "7131038"\n', "publish.municipality_key: expected the official municipality", 9),
    (OPEN + 'contact = "daten"\n', "publish.contact: expected an e-mail address", 9),
    (SITE + "[[parking.site.bay]]\ndevice = '24a160123456'\n", "parking.site[1].bay[2].device: 24a160123456 is", 12),
    (
        SITE + "[[parking.site]]\nuid = 'm'\nname = 'N'\nbay = [{ device = '24a160123450' }]\n",
        "site[2].uid: m is parking.site[1].uid",
        12,
    ),
    (SITE + "[[parking.site]]\nuid = 'n'\nname = 'N'\nbay = []\n", "site[2].bay: a site without bays", 14),
    (SITE + "[[parking.site]]\nuid = 'n'\nname = 'N'\n", "parking.site[2]: bay is missing", 11),
    (SITE.replace("name", "capacity = 0\nname"), "capacity: expected an integer 1..100000, got 0", 8),
    (SITE.replace("name", "longitude = 9\nname"), "longitude: latitude is missing: the two belong", 8),
    (SITE.replace("name", "type = 'PARKHAUS'\nname"), 'one of "CAR_PARK", "OFF_STREET', 8),
    (SITE + "restricted_to = 'disabled'\n", "restricted_to: expected one of", 11),
    (HOOK + 'devices = ["24a160"]\n', "forward.hook.devices[1]: expected 12 lower-case hex digits", 9),
]


@pytest.mark.parametrize(("text", "said", "line"), MISTAKES)
def test_every_mistake_gives_a_sentence_with_line_and_key_and_no_secret(
    folder: Path, text: str, said: str, line: int
) -> None:
    secrets(folder)
    found = problems(folder, text)
    assert any(problem.startswith(f"{line}: " if line else "") and said in problem for problem in found), found
    assert all(len(problem) < 300 and "\n" not in problem for problem in found)
    assert "geheim" not in "".join(found)


def test_one_mistake_gives_one_sentence(folder: Path) -> None:
    secrets(folder)
    doubled = [(text, found) for text, _, _ in MISTAKES if len(found := problems(folder, text)) != 1]
    assert doubled == []


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    assert re.fullmatch(rf"{tmp_path}: can't be read: [A-Z].*", config.problems(tmp_path)[0])
    assert "there is no such file" in config.problems(tmp_path / "nowhere.toml")[0]
    (tmp_path / "latin.toml").write_bytes(b"# gr\xfcn")
    assert config.problems(tmp_path / "latin.toml") == [f"{tmp_path / 'latin.toml'}: is not a text file in UTF-8"]


@pytest.mark.parametrize("value", ["localhost", "192.168.1.20", "/var/lib/x  # here", "mqtt.musterstadt.de", "geheim!"])
def test_text_without_quotes_is_named_as_such(folder: Path, value: str) -> None:
    assert problems(folder, f"[mqtt]\nhost = {value}\n") == ["2: host: text has to be in quotes"]


@pytest.mark.parametrize("value", ["True", "yes"])
def test_true_is_written_small(folder: Path, value: str) -> None:
    assert problems(folder, f"[mqtt]\ntls = {value}\n") == ["2: tls: there are true and false, in lower case"]


@pytest.mark.parametrize("value", ['localhost"', "[1", "1.5.", "2026-01-99"])
def test_other_wrong_values_are_not_text_without_quotes(folder: Path, value: str) -> None:
    (said,) = problems(folder, f"[mqtt]\nhost = {value}\n")
    assert "not TOML" in said


def test_a_name_no_file_can_have_is_a_mistake(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    (said,) = problems(folder, MQTT.replace("ca.pem", "b" * 256))
    assert said.startswith("3: mqtt.ca: ") and said.endswith("can't be read: File name too long")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_key_without_permission_is_a_mistake(folder: Path) -> None:
    (folder / "gateway.key").chmod(0)
    assert problems(folder, MQTT) == [f"5: mqtt.key: {folder}/gateway.key can't be read: Permission denied"]


def test_credentials_of_systemd_are_found_by_their_names(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = folder / "credentials"
    credentials.mkdir()
    (folder / "gateway.key").rename(credentials / "gateway.key")
    assert len(problems(folder, MQTT)) == 1
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    assert load(folder, MQTT).mqtt.key == str(credentials / "gateway.key")
    named = MQTT.replace("gateway.key", "${CREDENTIALS_DIRECTORY}/gateway.key")
    assert load(folder, named).mqtt.key == str(credentials / "gateway.key")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[store]\nurl = "mysql://h/x"', "store.url: expected an address, as in postgresql://localhost/bordstein"),
        ('[store]\nurl = "postgresql://u:geheim@h/x"', "store.url: no password stands in the address"),
        ('[store]\nurl = "postgresql://h/x?password=geheim"', "store.url: no password stands in the address"),
        ('[store]\nurl = "postgresql://h"', "store.url: the database's name is missing"),
        ('[store]\nurl = "postgresql://h:99999/x"', "store.url: no valid address"),
        ('[store]\nurl = "postgresql://h/x"\npath = "/x"', "store.path: a file (path) or a database (url)"),
        ('[store]\npassword_file = "ca.pem"', "store.password_file: url is missing"),
        ("[retention.pm11]\nraw_days = 1", 'retention.pm11: no property of the table is called "pm11"'),
        ("[retention.default]\nraw_days = -1", "retention.default.raw_days: expected an integer 0..36500"),
        ("[retention.pm10]\nhourly_days = 3\nraw_days = 5", "hourly_days: what is coarser stays at least as long as"),
        ("[retention.pm10]\ndaily_days = 3", "daily_days: what is coarser stays at least as long as hourly_days (for"),
    ],
)
def test_what_is_said_of_the_store_is_checked(folder: Path, text: str, said: str) -> None:
    (found,) = problems(folder, f"{MQTT}{text}\n")
    assert said in found and "geheim" not in found


def test_the_store_can_be_in_a_database(folder: Path) -> None:
    (folder / "secret").write_text("geheim\n")
    section = '[store]\nurl = "postgresql://u@db/town?sslmode=require"\npassword_file = "secret"\n'
    loaded = load(folder, MQTT + section + "[retention.pm10]\nraw_days = 30\n[retention.default]\nraw_days = 400\n")
    assert loaded.store_place == Postgres("postgresql://u@db/town?sslmode=require", str(folder / "secret"))
    assert loaded.store_place.name == "postgresql://u@db/town"
    assert str(folder / "secret") in loaded.secret_files
    assert loaded.retention["pm10"].raw_days == 30


def test_loading_says_what_checking_says(folder: Path) -> None:
    path = folder / "gateway.toml"
    path.write_text(MQTT + "port = 0\n[http]\nport = 0\n")
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    assert caught.value.problems == config.problems(path)
    assert str(caught.value).count("\n") == 1


WHEN = [
    ("above = 0.8\nequals = true\n", "forward.x.when[1]: name exactly one of above, below and equals"),
    ("", "forward.x.when[1]: name exactly one of above, below and equals"),
    ("above = 80\n", "forward.x.when[1].above: fill_level never gets to 80: 0 to 1 is plausible, in 1"),
    ("above = 0.8\nclear = 0.9\n", "forward.x.when[1].clear: is on the wrong side of above: it would be over at once"),
    ("equals = true\n", "forward.x.when[1].equals: fill_level is a number: use above or below"),
    ("equals = true\nclear = 0.5\n", "forward.x.when[1].clear: has no use with equals"),
    (
        'above = 0.8\nfor = "10"\n',
        'forward.x.when[1].for: expected a time like "90s", "10m", "2h" or "1d", got "10"',
    ),
    (
        'above = 0.8\ndescription = "{{ vlaue }}"\n',
        "forward.x.when[1].description: there is no vlaue; there are case, rule, device",
    ),
    ('above = 0.8\ndescription = "{{ value"\n', "forward.x.when[1].description: is no valid template: "),
    (
        'above = 0.8\ndescription = "{{ name / 2 }}"\n',
        "forward.x.when[1].description: can't be filled: unsupported operand",
    ),
    ('above = 0.8\nattributes = { a = "{{ b }}" }\n', "forward.x.when[1].attributes.a: there is no b; there are"),
    ('above = 0.8\n[[forward.x.when]]\nproperty = "fill_level"\nabove = 0.9\n', "forward.x.when[2]: rule 1 is called"),
]


@pytest.mark.parametrize(("when", "sentence"), WHEN)
def test_what_is_wrong_with_a_rule_is_said(folder: Path, when: str, sentence: str) -> None:
    head = '[forward.x]\nkind = "open311"\nurl = "https://h/georeport/v2"\nservice_code = "1"\n'
    found = problems(folder, f'{MQTT}{head}[[forward.x.when]]\nproperty = "fill_level"\n{when}')
    assert any(sentence in problem for problem in found), found


EVENTS = [
    (
        'kind = "open311"\nurl = "https://h/"\n',
        "when[1]: service_code is missing: the kind of request, of GET …/services",
    ),
    ('kind = "open311"\nurl = "https://h/"\napi_key = "geheim"\n', "api_key: no secret stands in this file"),
    ('kind = "open311"\nurl = "http://h/"\napi_key_file = "secret"\n', "url: a password or token would travel"),
    ('kind = "camunda7"\nurl = "https://h/"\n', "when[1]: process is missing: the key of the process that is started"),
    (
        'kind = "flowable"\nurl = "https://h/"\nprocess = "a"\nmessage = "b"\n',
        "message: either process or message, not",
    ),
    ('kind = "flowable"\nurl = "https://h/"\nbusiness_key = "{{ device }}"\n', "business_key: has to hold {{ case }}"),
    (
        'kind = "camunda7"\nurl = "https://h/"\nvariables = { a = { value = "{{ value }}", type = "Double" } }\n',
        'variables.a.value: "92,0 %" is no Double',
    ),
    (
        'kind = "camunda7"\nurl = "https://h/"\nvariables = { a = { value = "x", type = "Int" } }\n',
        "type: expected one of",
    ),
    ('kind = "cap"\nfolder = "/cap"\nnewest_first = true\n', "newest_first: the order counts here"),
    ('kind = "cap"\nproperties = ["pm10"]\n', "when[1].property: is not among this target's properties"),
    ('kind = "cap"\nfolder = "cap"\n', "folder: expected an absolute path"),
    ('kind = "cap"\nfolder = "/cap"\nurl = "https://h/"\n', "folder: either folder or url, not both"),
    ('kind = "cap"\n', "url is missing"),
    ('kind = "cap"\nfolder = "/cap"\n', "sender is missing"),
    ('kind = "cap"\nfolder = "/cap"\nstatus = "Actual"\n', 'status: expected one of "Draft", "Exercise", got "Actual"'),
    ('kind = "cap"\nfolder = "/cap"\nscope = "Public"\n', "scope: there is no such key here"),
    ('kind = "cap"\nfolder = "/cap"\npolygon = "1,2 3,4 1,2"\n', "polygon: at least four points"),
]


@pytest.mark.parametrize(("target", "sentence"), EVENTS)
def test_what_is_wrong_with_a_target_of_events_is_said(folder: Path, target: str, sentence: str) -> None:
    (folder / "secret").write_text("geheim\n")
    found = problems(folder, f'{MQTT}[forward.x]\n{target}[[forward.x.when]]\nproperty = "fill_level"\nabove = 0.8\n')
    assert any(sentence in problem for problem in found), found
    assert "geheim" not in "".join(found)


def test_a_target_of_events_without_a_rule_is_a_mistake(folder: Path) -> None:
    found = problems(folder, MQTT + '[forward.x]\nkind = "camunda7"\nurl = "https://h/"\n')
    assert found == ["6: forward.x: [[forward.….when]] is missing: what this target is told of"]


def test_a_target_can_be_for_the_steps_of_rule_sheets_alone(folder: Path) -> None:
    assert problems(folder, MQTT + '[forward.x]\nkind = "camunda7"\nurl = "https://h/"\nwhen = []\n') == []
    found = problems(
        folder, MQTT + '[forward.x]\nkind = "cap"\nfolder = "/cap"\npolygon = "1,2 3,4 5,6 1,2"\nwhen = []\n'
    )
    assert any("what this target is told of" in problem for problem in found), found
