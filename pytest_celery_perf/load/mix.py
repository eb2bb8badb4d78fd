"""Which kinds of tasks a load has, and in which order they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_celery_perf.errors import ConfigurationError

Arguments = Callable[[int], Sequence[Any]]
"""Returns the positional arguments of the task of that number, counted from 0 over the whole load."""

ARGUMENTS = "a list or tuple of arguments, such as ('abc',), or a function of the task's number that returns one"


def is_arguments(value: object) -> bool:
    """Tell whether something can be positional arguments; text, though a sequence, is an argument of its own."""
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Tasks that differ in nothing but their ids, or in their arguments besides."""

    task: Any
    """A task or a signature."""
    weight: float = 1.0
    args: Sequence[Any] | Arguments = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The task's name."""
        return str(getattr(self.task, "name", None) or self.task.task)

    @property
    def app(self) -> Any:
        """The app that publishes them."""
        return self.task.app

    @property
    def varied(self) -> bool:
        """Whether each task has arguments of its own."""
        return callable(self.args)

    def arguments(self, number: int) -> tuple[Any, ...]:
        """Return the positional arguments of one task.

        Raises:
            ConfigurationError: The user's function returns something else.
        """
        found = self.args(number) if callable(self.args) else self.args
        if not is_arguments(found):
            raise ConfigurationError(f"args= has returned {found!r} for task {number}: expected {ARGUMENTS}")
        return tuple(found)

    def publish(self, number: int, **options: Any) -> None:
        """Have the app publish one task."""
        is_signature = isinstance(self.task, Mapping)
        # A chain that is published gives its last link an id for good.
        task = self.task.clone() if is_signature else self.task
        task.apply_async(args=self.arguments(number), kwargs=dict(self.kwargs), **options)


def interleaved(weights: Sequence[float]) -> Iterator[int]:
    """Yield for ever which kind comes next, so that each has its share in every stretch, not only in the long run.

    Args:
        weights: Of the kinds; positive.

    Source:
        nginx's smooth weighted round-robin, ``ngx_http_upstream_get_peer``: each gains its weight, the first one pays
        for all.
    """
    total = sum(weights)
    credit = [0.0] * len(weights)
    while True:
        credit = [has + weight for has, weight in zip(credit, weights, strict=True)]
        chosen = max(range(len(credit)), key=credit.__getitem__)
        credit[chosen] -= total
        yield chosen
