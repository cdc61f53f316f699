"""Whether a machine has bf16 is told by what it is."""

from pathlib import Path

import pytest

from ltp.compute.bf16 import MATRIX_UNIT, has_bf16


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("flags\t\t: fpu sse2 avx512f avx512_bf16 amx_bf16", True),
        ("flags\t\t: fpu sse2 avx2 avx512f avx512_vnni", False),
        ("Features\t: fp asimd sve bf16 i8mm", True),
        ("Features\t: fp asimd", False),
        ("model name\t: bf16 avx512_bf16", False),
        ("", False),
    ],
)
def test_a_processors_flags_say_it(tmp_path: Path, line: str, expected: bool) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text(f"processor\t: 0\n{line}\n")
    assert has_bf16("cpu", cpu_flags=path) is expected


def test_without_flags_it_is_not_assumed(tmp_path: Path) -> None:
    assert has_bf16("cpu", cpu_flags=tmp_path / "nothing") is False


@pytest.mark.parametrize(("flags", "expected"), [("avx512_bf16 amx_bf16", True), ("avx512_bf16", False)])
def test_a_matrix_unit_is_told_apart(tmp_path: Path, flags: str, expected: bool) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text(f"flags\t: fpu {flags}\n")
    assert has_bf16("cpu", cpu_flags=path, flags=MATRIX_UNIT) is expected
