"""How much memory the embedded database takes of a machine."""

from pathlib import Path

import pytest
from launcher.servers import machine_memory, max_wal_size, shared_buffers


@pytest.mark.parametrize(
    ("memory", "buffers", "log"),
    [
        (512, 64, 2048),
        (2048, 128, 2048),
        (4096, 256, 2048),
        (8192, 512, 4096),
        (16384, 1024, 8192),
        (65536, 1024, 8192),
    ],
)
def test_the_database_takes_a_sixteenth_up_to_a_gigabyte(memory: int, buffers: int, log: int) -> None:
    assert (shared_buffers(memory, throwaway=False), max_wal_size(memory)) == (buffers, log)
    assert shared_buffers(memory, throwaway=True) == min(buffers, 256)


def test_a_container_has_what_it_may_have(tmp_path: Path) -> None:
    whole = machine_memory(tmp_path / "none")
    limit = tmp_path / "memory.max"
    limit.write_text("max\n")
    assert machine_memory(limit) == whole > 64
    limit.write_text(f"{64 * 2**20}\n")
    assert machine_memory(limit) == 64
