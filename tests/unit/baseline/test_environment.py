"""What figures depend on is told by name, as far as the machine tells it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_celery_perf.baseline.environment import environment, machine

CPUINFO = """\
processor\t: 0
model name\t: AMD EPYC 7763
flags\t\t: fpu vme hypervisor lahf_lm
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "memory").mkdir()
    return tmp_path


def test_versions_and_machine_are_told_by_name() -> None:
    found = environment()
    assert {"python", "platform", "celery", "kombu", "redis", "pytest_celery_perf", "architecture", "cores"} <= {*found}
    assert all(found.values())


def test_the_processor_is_told_as_the_kernel_names_it(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(CPUINFO)
    found = machine(proc=tmp_path)
    assert found["cpu"] == "AMD EPYC 7763"
    assert "virtual machine" in found["virtualisation"]


@pytest.mark.parametrize(
    ("files", "cpu", "memory"),
    [
        ({"cpu.max": "150000 100000\n", "memory.max": "2147483648\n"}, "1.5", "2147483648"),
        ({"cpu.max": "max 100000\n", "memory.max": "max\n"}, None, None),
        (
            {
                "cpu/cpu.cfs_quota_us": "200000\n",
                "cpu/cpu.cfs_period_us": "100000\n",
                "memory/memory.limit_in_bytes": "1073741824\n",
            },
            "2",
            "1073741824",
        ),
        (
            {
                "cpu/cpu.cfs_quota_us": "-1\n",
                "cpu/cpu.cfs_period_us": "100000\n",
                "memory/memory.limit_in_bytes": "9223372036854771712\n",
            },
            None,
            None,
        ),
        ({}, None, None),
    ],
    ids=["version 2", "version 2, none", "version 1", "version 1, none", "no control groups"],
)
def test_the_limits_of_a_container(root: Path, files: dict[str, str], cpu: str | None, memory: str | None) -> None:
    for name, text in files.items():
        (root / name).write_text(text)
    found = machine(root=root)
    assert (cpu, memory) == (found.get("cpu_limit"), found.get("memory_limit"))
