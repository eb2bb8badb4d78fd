"""What the supported versions of Celery do differently under faults, each with where it comes from.

On Celery 5.5 to 5.7; what is true of all of them is in the tests alone.
"""

from __future__ import annotations

import celery

_CELERY = celery.VERSION[:2]

FORGETS_WHAT_RUNS = _CELERY < (5, 6)
"""With its connection, a prefork worker forgets what its children run: whatever ended meanwhile is not acknowledged.

Source: ``AsynPool.flush`` in celery/concurrency/asynpool.py: ``self._cache.clear()``, gone in 5.6.
"""
WAITS_BEHIND_ITSELF = _CELERY < (5, 7)
"""What is delivered again while a child runs it goes to the same child, though another is idle.

Source: the same: ``self._busy_workers.clear()``, until 5.7 keeps those that run something.
"""
DIES_CANCELLING = _CELERY < (5, 7)
"""A worker that cannot store the state of what it cancels exits with status 1.

Source: ``on_connection_error_after_connected`` in celery/worker/consumer/consumer.py guards ``request.cancel`` since.
"""
DIES_WITH_A_FREE_SLOT = _CELERY >= (5, 7)
"""A worker that loses its connection with a slot free exits with status 1: AttributeError on ``connection.close``.

Source: the same, which sets ``connection`` to None since 5.7.
"""
