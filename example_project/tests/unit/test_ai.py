"""The client of the AI service, and the server that stands for it."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from fakes.ai_server import AIServer
from judge.services import ai as client
from judge.services import sandbox


@pytest.fixture(autouse=True)
def _address(ai: AIServer, settings: Any) -> None:
    settings.AI_SERVICE_URL = ai.url


def test_a_problem_is_read_from_its_page() -> None:
    """Platform and id come from the address."""
    info = client.extract_problem("https://example.org/two-sum")

    assert (info.platform, info.problem_id) == ("example.org", "two-sum")


def test_the_generator_prints_what_the_constraints_ask_for() -> None:
    """It runs in the sandbox."""
    code = client.write_generator(title="Sum", constraints="cases: 7", language="python")

    [printed] = sandbox.run(code, [""])

    assert len(printed.output.splitlines()) == 7


def test_each_failure_gets_a_hint() -> None:
    """And nothing else does."""
    failures = [{"test_case": 1}, {"test_case": 2}]

    hints = client.write_hints(title="Sum", code="", failures=failures)

    assert hints == ["Look at test case 1 again.", "Look at test case 2 again."]


def test_a_failure_is_temporary(ai: AIServer) -> None:
    """Told to fail once, the service answers the second time; both calls are counted."""
    ai.fail(times=1)

    with pytest.raises(client.AIUnavailableError, match="/extract: status 503"):
        client.extract_problem("https://example.org/1")
    client.extract_problem("https://example.org/1")

    assert ai.calls == {"/extract": 2}


def test_a_closed_port_is_temporary(settings: Any) -> None:
    """Whoever deploys the service closes it for a moment."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        settings.AI_SERVICE_URL = f"http://127.0.0.1:{closed.getsockname()[1]}"

    with pytest.raises(client.AIUnavailableError, match="ConnectionRefusedError"):
        client.extract_problem("https://example.org/1")


def test_a_refusal_is_final(settings: Any, ai: AIServer) -> None:
    """Status 404: another attempt would not help."""
    settings.AI_SERVICE_URL = f"{ai.url}/elsewhere"

    with pytest.raises(client.AIRejectedError, match="status 404"):
        client.extract_problem("https://example.org/1")
