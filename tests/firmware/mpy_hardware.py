"""The virtual boards' own parts: flash, virtual time, 1-wire, replay, faults. For MicroPython."""
# heapsize: 512K

import asyncio
import gc
import os

import flash
import vfs
import virtual_time

virtual = virtual_time.install(virtual_time.WRAP - 1000)

import machine  # noqa: E402
import onewire  # noqa: E402
from simulated import faults, world  # noqa: E402
from simulated.flashdisk import FileDisk, PowerCut, RamDisk  # noqa: E402
from simulated.replay import Replay  # noqa: E402


def raises(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError("nothing raised")


# Flash


def record(i):
    return b"%03d" % i * 100


def write_files(disk):
    volume = vfs.VfsLfs2(disk)
    vfs.mount(volume, "/ram")
    try:
        for i in range(12):
            with open("/ram/log", "ab") as file:
                file.write(record(i))
            with open("/ram/state.new", "wb") as file:
                file.write(b"%d" % i)
            os.rename("/ram/state.new", "/ram/state")
    finally:
        vfs.umount("/ram")


def contents(name):
    # A file that the collector closes when its volume is gone takes the interpreter along.
    with open("/ram/" + name, "rb") as file:
        return file.read()


def test_flash_cut_at_every_operation_leaves_a_volume_that_mounts_with_whole_records():
    disk = RamDisk(16, 4096)
    vfs.VfsLfs2.mkfs(disk)
    whole = disk.snapshot()
    write_files(whole)
    assert whole.operations > 50
    for torn in (False, True):
        for cut in range(1, whole.operations + 1):
            gc.collect()
            trial = disk.snapshot()
            trial.cut_at = cut
            trial.torn = torn
            raises(OSError, lambda trial=trial: write_files(trial))
            assert trial.dead
            vfs.mount(vfs.VfsLfs2(trial.snapshot()), "/ram")
            try:
                names = os.listdir("/ram")
                log = contents("log") if "log" in names else b""
                records = len(log) // 300
                assert log == b"".join(record(i) for i in range(records))
                if "state" in names:
                    state = int(contents("state"))
                    assert 0 <= records - 1 - state <= 1
            finally:
                vfs.umount("/ram")


def test_flash_is_dead_after_the_cut():
    disk = RamDisk(4, 512)
    disk.cut_at = 2
    disk.writeblocks(0, b"a" * 16, 0)
    raises(PowerCut, lambda: disk.writeblocks(0, b"b" * 16, 16))
    raises(PowerCut, lambda: disk.ioctl(6, 1))
    raises(PowerCut, lambda: disk.readblocks(0, bytearray(16), 0))
    after = disk.snapshot()
    buffer = bytearray(32)
    after.readblocks(0, buffer, 0)
    assert buffer == b"a" * 16 + b"\xff" * 16


def test_flash_torn_program_leaves_half():
    disk = RamDisk(4, 512)
    disk.cut_at = 1
    disk.torn = True
    raises(PowerCut, lambda: disk.writeblocks(0, b"a" * 16, 0))
    buffer = bytearray(16)
    disk.snapshot().readblocks(0, buffer, 0)
    assert buffer == b"a" * 8 + b"\xff" * 8


def test_flash_program_without_erase_is_refused():
    disk = RamDisk(4, 512)
    disk.writeblocks(0, b"a" * 16, 0)
    raises(ValueError, lambda: disk.writeblocks(0, b"b" * 16, 0))
    disk.ioctl(6, 0)
    disk.writeblocks(0, b"b" * 16, 0)


def test_flash_in_a_file_keeps_everything():
    path = "/tmp/bordstein-%s.flash" % os.urandom(8).hex()
    try:
        flash_in_a_file(path)
    finally:
        os.remove(path)


def flash_in_a_file(path):
    disk = FileDisk(path, 16, 4096)
    vfs.VfsLfs2.mkfs(disk)
    write_files(disk)
    again = FileDisk(path, 16, 4096)
    vfs.mount(vfs.VfsLfs2(again), "/ram")
    assert open("/ram/state").read() == "11"
    vfs.umount("/ram")
    assert os.stat(path)[6] == 16 * 4096


# Virtual time


async def _sleep_days(days):
    for _ in range(days):
        await asyncio.sleep(86400)


def test_virtual_time_passes_days_at_once_and_wraps_as_on_an_esp32():
    before, ticks = virtual.now_ms, virtual.ticks_ms()
    asyncio.run(_sleep_days(3))
    assert virtual.now_ms - before == 3 * 86400000
    assert virtual.ticks_diff(virtual.ticks_ms(), ticks) == 3 * 86400000
    assert virtual.ticks_ms() < virtual_time.WRAP


async def _order():
    said = []

    async def say(after, word):
        await asyncio.sleep_ms(after)
        said.append(word)

    await asyncio.gather(say(3000, "c"), say(1000, "a"), say(2000, "b"))
    try:
        await asyncio.wait_for_ms(say(5000, "late"), 100)
    except asyncio.TimeoutError:
        said.append("timeout")
    return "".join(said)


def test_virtual_time_keeps_order_and_time_limits():
    before = virtual.now_ms
    assert asyncio.run(_order()) == "abctimeout"
    assert virtual.now_ms - before == 3100


async def _echo():
    async def serve(reader, writer):
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()

    for port in range(48000, 48050):
        try:
            server = await asyncio.start_server(serve, "127.0.0.1", port)
            break
        except OSError:
            continue
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"over a real socket\n")
    await writer.drain()
    answer = await reader.readline()
    writer.close()
    server.close()
    return answer


def test_virtual_time_leaves_sockets_working():
    assert asyncio.run(_echo()) == b"over a real socket\n"


# Buses


def test_i2c_bus_without_chip_is_enodev():
    world.load({})
    bus = machine.I2C(0, scl=machine.Pin(22), sda=machine.Pin(21), freq=100000)
    assert bus.scan() == []
    assert raises(OSError, lambda: bus.readfrom(0x76, 1)).errno == 19


def test_i2c_scan_finds_chips_of_this_bus_only():
    values = {"temperature": 20, "humidity": 50, "pressure": 100000}
    world.load(
        {
            "chips": [
                {"chip": "bme280", "bus": "i2c:0", "address": 0x77, "values": values},
                {"chip": "rm3100", "bus": "i2c:0", "address": 0x20, "values": {"occupied": 0}},
                {"chip": "bme280", "bus": "i2c:1", "address": 0x76, "values": values},
            ]
        }
    )
    assert machine.I2C(0).scan() == [0x20, 0x77]
    assert machine.I2C(1).scan() == [0x76]


async def _listen(uart, ms):
    await asyncio.sleep_ms(ms)
    return uart.read()


def test_uart_frames_come_at_their_pace_and_byte_by_byte():
    world.load({"chips": [{"chip": "sds011", "bus": "uart:1", "values": {"pm2_5": 1, "pm10": 2}}]})
    uart = machine.UART(1, 9600)
    data = asyncio.run(_listen(uart, 20000)) or b""
    assert 190 <= len(data) <= 200 and data.count(b"\xaa\xc0") == 20
    # A frame takes 10 ms at 9600 baud: who looks each millisecond sees it arrive byte by byte.
    sizes = set()
    for _ in range(1200):
        asyncio.run(_listen_more(1))
        sizes.add(uart.any() % 10)
    assert len(sizes) == 10


async def _listen_more(ms):
    await asyncio.sleep_ms(ms)


def test_uart_buffer_keeps_the_oldest_bytes():
    world.load({"chips": [{"chip": "a02yyuw", "bus": "uart:2", "values": {"distance": 1.0}}]})
    uart = machine.UART(2, 9600, rxbuf=64)
    assert len(asyncio.run(_listen(uart, 3600000))) == 64


def test_uart_at_the_wrong_rate_is_garbage():
    world.load({"chips": [{"chip": "sds011", "bus": "uart:1", "values": {"pm2_5": 1, "pm10": 2}}]})
    assert b"\xaa\xc0" not in asyncio.run(_listen(machine.UART(1, 115200), 5000))


def test_onewire_search_finds_every_device():
    generator = faults.Generator(11)
    for count in (0, 1, 2, 7, 20):
        roms = [b"\x28" + generator.bytes(6) for _ in range(count)]
        world.load(
            {
                "chips": [
                    {"chip": "ds18b20", "bus": "onewire:4", "rom": rom.hex(), "values": {"temperature": 20}}
                    for rom in roms
                ]
            }
        )
        found = onewire.OneWire(machine.Pin(4)).scan()
        assert sorted(bytes(rom) for rom in found) == sorted(chip.rom for chip in world.chips)


# Replay and faults


def write_csv(text):
    flash.mount(blocks=8)
    with open("replay.csv", "w") as file:
        file.write(text)
    return "/flash/replay.csv"


def test_replay_steps_through_rows_and_begins_again():
    path = write_csv("# a notice\n# and more\ntime,a,b\nx,1,10\ny,,20\nz,3,30\n")
    replay = Replay(path, {"first": "a", "second": "b"}, step_s=2)
    seen = [(replay.value("first", ms), replay.value("second", ms)) for ms in range(0, 14000, 2000)]
    assert seen == [(1, 10), (None, 20), (3, 30), (1, 10), (None, 20), (3, 30), (1, 10)]


def test_replay_started_late_is_where_it_would_be():
    path = write_csv("a\n" + "".join("%d\n" % i for i in range(100)))
    for ms in (0, 5500, 99000, 100000, 12345678):
        assert Replay(path, {"a": "a"}).value("a", ms) == ms // 1000 % 100
    assert Replay(path, {"a": "a"}, first_row=98).value("a", 3000) == 1


def test_replay_interpolates_when_told_to():
    path = write_csv("a\n10\n20\n")
    replay = Replay(path, {"a": "a"}, step_s=10, interpolate=True)
    assert [replay.value("a", ms) for ms in (0, 2500, 5000, 10000)] == [10, 12.5, 15, 20]


def test_replay_with_a_wrong_column_or_no_rows_says_so():
    assert "only a, b" in str(raises(ValueError, lambda: Replay(write_csv("a,b\n1,2\n"), {"x": "c"})))
    assert "no rows" in str(raises(ValueError, lambda: Replay(write_csv("a,b\n"), {"x": "a"})))


def test_missing_value_makes_the_chip_dead():
    path = write_csv("t,h,p\n20,50,100000\n,50,100000\n21,50,100000\n")
    columns = {"temperature": "t", "humidity": "h", "pressure": "p"}
    chip = {"chip": "bme280", "bus": "i2c:0", "address": 0x76, "replay": {"file": path, "columns": columns}}
    world.load({"chips": [chip]})
    alive = []
    for _ in range(3):
        alive.append(machine.I2C(0).scan())
        virtual.advance(1000)
    assert alive == [[0x76], [], [0x76]]


def test_faults_come_when_told_and_the_same_each_time():
    now = [0]
    specs = [
        {"chip": "x", "kind": "nack", "from_s": 10, "until_s": 20},
        {"chip": "x", "kind": "flip", "probability": 0.3, "seed": 4},
    ]
    runs = []
    for _ in range(2):
        mine = faults.Faults(specs, lambda: now[0])
        hits = []
        for now[0] in range(0, 30000, 1000):
            assert mine.on("nack") == (10000 <= now[0] < 20000)
            hits.append(mine.on("flip"))
        runs.append(hits)
    assert runs[0] == runs[1]
    assert 3 < sum(runs[0]) < 20
    assert "one of" in str(raises(ValueError, lambda: faults.Faults([{"chip": "x", "kind": "nak"}], None)))
    raises(ValueError, lambda: world.load({"chips": [], "faults": [{"chip": "x", "kind": "nack"}]}))


def test_stuck_chip_repeats_its_last_value():
    path = write_csv("d\n1\n2\n3\n4\n")
    world.load(
        {
            "chips": [
                {
                    "chip": "a02yyuw",
                    "name": "level",
                    "bus": "uart:2",
                    "replay": {"file": path, "columns": {"distance": "d"}},
                }
            ],
            "faults": [{"chip": "level", "kind": "stuck", "from_s": 2, "until_s": 3}],
        }
    )
    seen = []
    for _ in range(4):
        seen.append(world.chips[0].wanted("distance"))
        virtual.advance(1000)
    assert seen == [1, 2, 2, 4]


def test_rtc_counts_from_2000_until_it_is_set():
    rtc = machine.RTC()
    from simulated import board

    board.start({})
    assert rtc.datetime()[0] == 2000
    rtc.datetime((2026, 2, 28, 0, 23, 59, 58, 0))
    assert rtc.datetime()[:3] == (2026, 2, 28)
    asyncio.run(_sleep_days(2))
    assert rtc.datetime()[:3] == (2026, 3, 2)
    rtc.memory(b"kept")
    assert rtc.memory() == b"kept"
    raises(ValueError, lambda: rtc.memory(bytes(2049)))
