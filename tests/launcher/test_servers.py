"""How much memory the embedded database takes of a machine."""

from pathlib import Path

import pytest
from launcher.servers import machine_memory, max_wal_size, shared_buffers


@pytest.mark.parametrize(
    ("memory", "buffers", "log"),
    [
        (512, 64, 2048),
        (2048, 256, 2048),
        (4096, 512, 4096),
        (8192, 1024, 8192),
        (16384, 2048, 8192),
        (65536, 4096, 8192),
    ],
)
def test_the_database_takes_an_eighth_up_to_four_gigabytes(memory: int, buffers: int, log: int) -> None:
    assert (shared_buffers(memory, throwaway=False), max_wal_size(memory)) == (buffers, log)
    assert shared_buffers(memory, throwaway=True) == max(64, min(256, memory // 16))


def test_a_container_has_what_it_may_have(tmp_path: Path) -> None:
    whole = machine_memory(tmp_path / "none")
    limit = tmp_path / "memory.max"
    limit.write_text("max\n")
    assert machine_memory(limit) == whole > 64
    limit.write_text(f"{64 * 2**20}\n")
    assert machine_memory(limit) == 64
