"""Flash as a block device for `vfs.VfsLfs2`: in RAM (with power cuts) or in a host file.

Both behave like NOR flash behind MicroPython's extended block protocol: an erase sets a block to 0xff, a program
changes bytes of an erased area. What makes them a test instrument is `cut_at`: the k-th program or erase (counted
from 1) raises `PowerCut`, and from then on the disk is dead, as flash is without power. With `torn` half of that last
operation still reaches the cells. `snapshot()` gives the disk as the next start would find it. Worn flash: as long as
`worn` is set programs and erases fail, blocks in `bad_blocks` can't be read, and the rest lives on.

    disk = RamDisk(32, 4096)
    vfs.VfsLfs2.mkfs(disk)
    disk.cut_at = disk.operations + 5
    try: work(disk)
    except PowerCut: pass
    vfs.mount(disk.snapshot(), "/flash")
"""

import errno


class PowerCut(OSError):
    """The power went away in the middle of (or just before) a program or an erase; or flash is worn and took it not."""


class _Disk:
    """Block protocol and power cuts; `_load(block, offset, buffer)` and `_save(block, offset, data)` do the storing."""

    def __init__(self, blocks, block_size):
        self.blocks = blocks
        self.block_size = block_size
        self._erased = b"\xff" * block_size  # made once: a board's flash takes nothing of its heap for an erase
        self.operations = 0  # programs and erases so far
        self.erases = 0
        self.bytes_programmed = 0
        self.cut_at = None  # number of the operation that is cut, 1 = the first
        self.torn = False
        self.dead = False
        self.worn = False
        self.bad_blocks = set()

    def _refuse(self):
        """Raises PowerCut, except inside the collector's finaliser of a forgotten file: nobody is there to catch it."""
        try:
            error = PowerCut(errno.EIO)
        except MemoryError:  # the heap is locked while the collector runs
            return
        raise error

    def _is_cut(self):
        """Counts one program or erase; True when it is the one that is cut."""
        self.operations += 1
        self.dead = self.cut_at is not None and self.operations >= self.cut_at
        return self.dead

    def readblocks(self, block, buffer, offset=0):
        if self.dead:
            return self._refuse()
        if block in self.bad_blocks:
            raise OSError(errno.EIO)
        self._load(block, offset, buffer)

    def writeblocks(self, block, data, offset=None):
        if self.dead:
            return self._refuse()
        if offset is None:
            # The simple protocol: whole blocks, erased first.
            for i in range(len(data) // self.block_size):
                self._erase(block + i)
                self._program(block + i, 0, memoryview(data)[i * self.block_size : (i + 1) * self.block_size])
        else:
            self._program(block, offset, data)

    def _program(self, block, offset, data):
        if self.worn:
            return self._refuse()
        if self._is_cut():
            if self.torn and len(data) > 1:
                self._save(block, offset, memoryview(data)[: len(data) // 2])
            raise PowerCut(errno.EIO)
        self.bytes_programmed += len(data)
        self._save(block, offset, data)

    def _erase(self, block):
        size = self.block_size
        if self.worn:
            return self._refuse()
        if self._is_cut():
            if self.torn:
                self._save(block, 0, memoryview(self._erased)[: size // 2])
            raise PowerCut(errno.EIO)
        self.erases += 1
        self._save(block, 0, self._erased)

    def ioctl(self, operation, argument):
        if operation == 4:
            return self.blocks
        if operation == 5:
            return self.block_size
        if operation == 6:
            if self.dead:
                self._refuse()
            else:
                self._erase(argument)
            return 0
        if operation in (1, 2, 3):  # init, deinit, sync: nothing is held back
            return 0
        return None


class RamDisk(_Disk):
    """Flash in RAM; a block takes memory only once something was written to it.

    `strict` refuses to program bytes that were not erased before, which real NOR flash could not store.
    """

    def __init__(self, blocks=64, block_size=4096, strict=True):
        super().__init__(blocks, block_size)
        self.strict = strict
        self._cells = [None] * blocks

    def _load(self, block, offset, buffer):
        cells = self._cells[block]
        n = len(buffer)
        if cells is None:
            buffer[:] = b"\xff" * n
        else:
            buffer[:] = memoryview(cells)[offset : offset + n]

    def _save(self, block, offset, data):
        cells = self._cells[block]
        n = len(data)
        if cells is None:
            cells = self._cells[block] = bytearray(b"\xff" * self.block_size)
        erase = n >= self.block_size // 2 and data[0] == 0xFF and data[n - 1] == 0xFF
        if self.strict and not erase and cells[offset : offset + n] != b"\xff" * n:
            raise ValueError("block %d, offset %d: programmed without an erase" % (block, offset))
        cells[offset : offset + n] = data

    def snapshot(self):
        """A copy of what the cells hold now, powered, with counters at 0 and no cut planned."""
        copy = RamDisk(self.blocks, self.block_size, self.strict)
        copy._cells = [None if cells is None else bytearray(cells) for cells in self._cells]
        return copy


class FileDisk(_Disk):
    """Flash in a host file, made (erased) when missing. Writes reach the host unbuffered: a SIGKILL is a power cut.

    offset: bytes before the first block; the file is then that of a whole chip, and this a partition at its end.
    """

    def __init__(self, path, blocks=512, block_size=4096, offset=0):
        super().__init__(blocks, block_size)
        self.path = path
        self._offset = offset
        try:
            self._file = open(path, "r+b")
        except OSError:
            with open(path, "wb") as fresh:
                for _ in range(offset // block_size + blocks):
                    fresh.write(self._erased)
            self._file = open(path, "r+b")

    def _load(self, block, offset, buffer):
        self._file.seek(self._offset + block * self.block_size + offset)
        if self._file.readinto(buffer) != len(buffer):
            raise OSError(errno.EIO)

    def _save(self, block, offset, data):
        self._file.seek(self._offset + block * self.block_size + offset)
        self._file.write(data)

    def close(self):
        self._file.close()
