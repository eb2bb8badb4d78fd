"""Each setting is shown with its value and its source."""

from __future__ import annotations

from pytest_celery_perf.model.settings import Override, Setting
from pytest_celery_perf.report.header import header_lines, override_lines


def setting(name: str, value: str, source: str = "default") -> Setting:
    return Setting(name=name, value=value, source=source)


def test_settings_are_shown_with_value_and_source() -> None:
    lines = header_lines([setting("broker", "process", "ini"), setting("timeout", "60s")])
    assert lines == ["celery-perf: broker=process (ini) timeout=60s (default)"]


def test_a_long_header_goes_on_below_and_never_breaks_a_setting() -> None:
    settings = [setting(f"setting{i}", "value", "command line") for i in range(6)]
    lines = header_lines(settings, width=80)
    assert max(len(line) for line in lines) <= 80
    assert lines[0].startswith("celery-perf: setting0=value (command line) ")
    assert all(line.startswith("             setting") and line.endswith("(command line)") for line in lines[1:])


def test_a_setting_of_several_lines_keeps_them() -> None:
    workers = setting("workers", "\nexecution: -Q execution -c 8\n  ai: -Q ai -P gevent\n", "ini")
    assert header_lines([workers, setting("start", "auto")]) == [
        "celery-perf: start=auto (default)",
        "             workers (ini):",
        "               execution: -Q execution -c 8",
        "               ai: -Q ai -P gevent",
    ]


def test_what_is_not_set_is_a_dash() -> None:
    assert header_lines([setting("logs", "", "ini")]) == ["celery-perf: logs=– (ini)"]
    assert header_lines([setting("logs", "", "ini")], unicode=False) == ["celery-perf: logs=- (ini)"]


def test_what_nobody_has_set_is_not_shown() -> None:
    assert header_lines([setting("logs", ""), setting("start", "auto")]) == ["celery-perf: start=auto (default)"]


def test_what_was_overridden_in_the_app_is_said() -> None:
    overrides = [
        Override(name="task_always_eager", was="True"),
        Override(name="broker_url", was="amqp://guest:secret@host//"),
    ]
    assert header_lines([], overrides, width=120) == [
        "celery-perf: overridden: task_always_eager (was True), broker_url (was amqp://guest:***@host//)"
    ]


def test_what_was_overridden_is_said_without_a_header() -> None:
    overrides = [Override(name="task_always_eager", was="True"), Override(name="broker_url", was="amqp://a:b@host//")]
    expected = ["overridden: task_always_eager (was True), broker_url (was amqp://a:***@host//)"]
    assert expected == override_lines(overrides, width=120)
    assert [] == override_lines([])


def test_no_password_is_shown_anywhere() -> None:
    url = "redis://:s3cret@host:6379/0"
    lines = header_lines(
        [setting("broker", url), setting("workers", f"a: -b {url}\nb: -b {url}")],
        [Override(name="broker_url", was=url)],
        [f"broker: {url}"],
    )
    assert "s3cret" not in "\n".join(lines)
    assert "\n".join(lines).count("***") == 5


def test_nothing_to_tell_is_no_line_at_all() -> None:
    assert header_lines([]) == []
