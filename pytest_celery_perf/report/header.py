"""The lines of pytest's header: each setting with its value and where that came from."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from pytest_celery_perf.model.settings import Override, Setting, masked
from pytest_celery_perf.report.glyphs import fit

_TITLE = "celery-perf: "
_INDENT = " " * len(_TITLE)


def header_lines(
    settings: Sequence[Setting],
    overrides: Sequence[Override] = (),
    notes: Sequence[str] = (),
    *,
    width: int = 80,
    unicode: bool = True,
) -> list[str]:
    """Tell under which settings the tests run.

    Args:
        settings: In the order in which they are to be shown, but for those that nobody has set and that are nothing by
            default; passwords in URLs are hidden.
        overrides: What the test run replaced in the app under test.
        notes: Further sentences, such as the reason why a broker was chosen.
        width: Columns of the terminal.
        unicode: Whether the terminal can show more than ASCII.

    Returns:
        The lines, at least one where there is anything to tell.
    """
    settings = [setting for setting in settings if setting.value or setting.source != "default"]
    lines = _wrapped([_in_line(setting) for setting in settings if not _is_block(setting)], width)
    for setting in filter(_is_block, settings):
        lines.append(f"{setting.name} ({setting.source}):")
        lines.extend(f"  {masked(line.strip())}" for line in setting.value.splitlines() if line.strip())
    lines.extend(_overridden(overrides, width))
    lines.extend(masked(note) for note in notes)
    return [fit((_INDENT if number else _TITLE) + line, unicode=unicode) for number, line in enumerate(lines)]


def override_lines(overrides: Sequence[Override], *, width: int = 80, unicode: bool = True) -> list[str]:
    """Tell what the test run replaced in the app under test, where the header could not yet.

    Args:
        overrides: What it was.
        width: Columns of the terminal.
        unicode: Whether the terminal can show more than ASCII.
    """
    return [fit(line, unicode=unicode) for line in _overridden(overrides, width)]


def _overridden(overrides: Sequence[Override], width: int) -> list[str]:
    was = [f"{override.name} (was {masked(override.was)})" for override in overrides]
    return _wrapped(["overridden:", *(f"{item}," for item in was[:-1]), was[-1]], width) if was else []


def _in_line(setting: Setting) -> str:
    return f"{setting.name}={masked(setting.value) or '–'} ({setting.source})"


def _is_block(setting: Setting) -> bool:
    return "\n" in setting.value.strip()


def _wrapped(items: Sequence[str], width: int) -> list[str]:
    """Fill lines with items that are never broken apart, though they hold spaces."""
    hard = "\N{NO-BREAK SPACE}"
    text = " ".join(item.replace(" ", hard) for item in items)
    lines = textwrap.wrap(text, max(width - len(_TITLE), 20), break_long_words=False, break_on_hyphens=False)
    return [line.replace(hard, " ") for line in lines]
