from __future__ import annotations

import pytest

from tests.integration.reliability.scenes import Scenes, play


@pytest.fixture(scope="module")
def scenes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Scenes:
    """Run the scenes that the module names as ``SCENES``, once for all of its tests."""
    name, transport = request.module.SCENES, getattr(request.module, "TRANSPORT", None)
    return play(name, tmp_path_factory.mktemp(name) / "mill", transport)
