"""Parquet, written by a process of its own: pyarrow takes more memory than all the rest of the gateway.

python -m bordstein_gateway.feeds.parquet     CSV with readings.TYPED_COLUMNS from the standard input to Parquet
"""

import asyncio
import importlib.util
import sys
from collections.abc import AsyncIterator

_PIECE = 65_536
_GROUP = 100_000
"""Rows of a row group: about 1 MB of file."""


def is_here() -> bool:
    """Whether pyarrow is installed: it is the extra `parquet`."""
    return importlib.util.find_spec("pyarrow") is not None


class Failed(Exception):
    """The process ended before its work; what was sent is no whole file."""

    def __init__(self) -> None:
        super().__init__("The process that writes Parquet ended before its work.")


async def written(rows: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The file in parts, from CSV in parts. Failed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdin is not None and process.stdout is not None  # noqa: S101  (both are pipes)
    feeding = asyncio.create_task(_feed(rows, process.stdin))
    try:
        while part := await process.stdout.read(_PIECE):
            yield part
        await feeding
        if await process.wait() != 0:
            raise Failed
    finally:
        feeding.cancel()
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _feed(rows: AsyncIterator[bytes], into: asyncio.StreamWriter) -> None:
    async for part in rows:
        into.write(part)
        await into.drain()
    into.close()


def main() -> None:
    """The process."""
    import pyarrow as arrow
    from pyarrow import csv, parquet

    text, number = arrow.string(), arrow.float64()
    types = {
        "time": arrow.timestamp("ms", tz="UTC"),
        **dict.fromkeys(("device", "series", "property", "text", "unit", "flags"), text),
        "value": number,
    }
    reader = csv.open_csv(
        sys.stdin.buffer,
        convert_options=csv.ConvertOptions(column_types=types, null_values=[""], strings_can_be_null=True),
        parse_options=csv.ParseOptions(newlines_in_values=True),
    )
    with parquet.ParquetWriter(sys.stdout.buffer, reader.schema, compression="zstd") as writer:
        waiting: list[arrow.RecordBatch] = []
        for batch in reader:
            waiting.append(batch)
            if sum(one.num_rows for one in waiting) >= _GROUP:
                writer.write_table(arrow.Table.from_batches(waiting))
                waiting = []
        if waiting:
            writer.write_table(arrow.Table.from_batches(waiting))


if __name__ == "__main__":
    main()
