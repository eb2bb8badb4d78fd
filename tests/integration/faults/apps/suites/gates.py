"""Many greenlets that are held at once: the others go on."""

import pytest
from office import add, fan_out, safe

HELD = 10
"""As many threads gevent has for all that it cannot do itself, such as to look up a host."""


@pytest.mark.celery_worker(pool="gevent", concurrency=HELD + 1)
def test_others_publish_meanwhile(celery_faults):
    with celery_faults.hold(safe, times=HELD) as held:
        for _ in range(HELD):
            safe.delay()
        held.wait(nth=HELD)
        fan_out.delay(1)
        celery_faults.when("ended", add)
