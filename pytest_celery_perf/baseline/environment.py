"""What figures depend on besides the code under test: versions, and the kind of machine."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

VERSIONED = ("pytest-celery-perf", "pytest", "celery", "kombu", "redis", "django")
_CGROUP_V1_UNLIMITED_BYTES = 1 << 60
"""What version 1 tells of memory without a limit is the largest multiple of a page, not a word."""


def environment(*, proc: Path = Path("/proc"), root: Path = Path("/sys/fs/cgroup")) -> dict[str, str]:
    """Return the versions, and the kind of machine, by name; what cannot be known is absent.

    Args:
        proc: Where the kernel tells of the machine.
        root: Where its control groups are.
    """
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in VERSIONED:
        try:
            found[package.replace("-", "_")] = version(package)
        except PackageNotFoundError:
            continue
    return found | machine(proc=proc, root=root)


def machine(*, proc: Path = Path("/proc"), root: Path = Path("/sys/fs/cgroup")) -> dict[str, str]:
    """Return the kind of machine: two of the same kind need as long for the same work, or nearly.

    Args:
        proc: Where the kernel tells of the machine.
        root: Where its control groups are.

    Returns:
        By name, as a reader understands them: ``cpu``, ``cores`` (that this process may use), ``architecture``,
        ``cpu_limit`` (in cores) and ``memory_limit`` of a container, ``virtualisation``. What does not apply is absent.
    """
    found = {
        "architecture": platform.machine(),
        "cores": str(cores()),
        "cpu": _cpu(proc),
        "cpu_limit": _cpu_limit(root),
        "memory_limit": _memory_limit(root),
        "virtualisation": _virtualisation(proc),
    }
    return {name: value for name, value in found.items() if value}


def cores() -> int:
    """Return how many cores this process, and so its workers, may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpu(proc: Path) -> str:
    found = re.search(r"^model name\s*: (.+)$", _read(proc / "cpuinfo"), re.MULTILINE)
    return found[1].strip() if found else platform.processor()


def _virtualisation(proc: Path) -> str:
    kinds = []
    if re.search(r"^flags\s*:.*\bhypervisor\b", _read(proc / "cpuinfo"), re.MULTILINE):
        kinds.append("virtual machine")
    if Path("/.dockerenv").exists() or Path("/run/.containerenv").exists():
        kinds.append("container")
    return ", ".join(kinds)


def _cpu_limit(root: Path) -> str:
    """Return how many cores the control group may keep busy.

    Source:
        The kernel's documentation: "Control Group v2" of ``cpu.max`` ("$MAX $PERIOD"), "CFS Bandwidth Control" of
        version 1.
    """
    second = _read(root / "cpu.max").split()
    quota, period = second or (_read(root / "cpu/cpu.cfs_quota_us"), _read(root / "cpu/cpu.cfs_period_us"))
    if not quota.strip().isdecimal() or not period.strip().isdecimal():  # "max", "-1", or no such file
        return ""
    return f"{int(quota) / int(period):g}"


def _memory_limit(root: Path) -> str:
    limit = (_read(root / "memory.max") or _read(root / "memory/memory.limit_in_bytes")).strip()
    return limit if limit.isdecimal() and int(limit) < _CGROUP_V1_UNLIMITED_BYTES else ""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
