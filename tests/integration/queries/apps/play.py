"""Plays bodies and scenes in this process: ``python play.py POOL NAME…``, a line of JSON for each."""

from __future__ import annotations

import json
import os
import sys


def main() -> None:
    pool, *names = sys.argv[1:]
    if pool == "gevent":
        from gevent import monkey

        monkey.patch_all()
    from library import harness

    harness.set_up(pool, address=os.environ["LIBRARY_DATABASE"])
    from library import bodies, scenes

    for name in names:
        scene = getattr(scenes, name, None)
        told = scene() if scene else harness.run(getattr(bodies, name))
        sys.stdout.write(f"{json.dumps(told)}\n")


if __name__ == "__main__":
    main()
