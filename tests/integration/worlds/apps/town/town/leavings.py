"""A plugin of pytest that says what is left of a session in its process."""

from __future__ import annotations

import pytest


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    from django.conf import settings
    from django.db import connections

    from town.celery import app

    for alias in connections:
        print(f"database {alias}: {connections[alias].settings_dict['NAME']}")
    print(f"broker: {app.conf.broker_url}")
    print(f"cache: {settings.CACHES['default']['LOCATION']}")
