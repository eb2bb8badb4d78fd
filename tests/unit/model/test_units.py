"""Durations, rates and sizes are read as people write them and printed as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.model.units import (
    format_duration_ns,
    format_duration_s,
    format_size,
    parse_duration_s,
    parse_rate_per_s,
    parse_share,
    parse_size_bytes,
)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (30, 30.0),
        (0.25, 0.25),
        (0, 0.0),
        ("30", 30.0),
        ("250ms", 0.25),
        (" 1.5 s ", 1.5),
        ("2min", 120.0),
        ("2m", 120.0),
        ("1h", 3600.0),
        ("40us", 40e-6),
        ("40\u00b5s", 40e-6),  # the micro sign
        ("40\u03bcs", 40e-6),  # the Greek letter
        ("7ns", 7e-9),
        ("250MS", 0.25),
    ],
)
def test_a_duration_is_read(written: object, seconds: float) -> None:
    assert seconds == pytest.approx(parse_duration_s(written, "p95"))


@pytest.mark.parametrize(
    "written",
    [
        "", "fast", "-1s", -1, True, None, "1 fortnight", "0 bananas", "1e3s", "1s2ms", "5/s", "\u0663s", "64MiB",
        float("nan"), float("inf"), 10**400, "9" * 400,
    ],
)  # fmt: skip
def test_what_is_no_duration_is_refused_with_its_name_and_what_is_valid(written: object) -> None:
    with pytest.raises(ConfigurationError) as error:
        parse_duration_s(written, "p95")
    assert str(error.value).startswith(f"p95={written!r}: expected seconds as a number")
    assert '"250ms"' in str(error.value)


@pytest.mark.parametrize(
    ("written", "per_s"),
    [(40, 40.0), ("40", 40.0), ("100/s", 100.0), ("3000/min", 50.0), ("10000/h", 10000 / 3600), (" 1.5 /M ", 0.025)],
)
def test_a_rate_is_read(written: object, per_s: float) -> None:
    assert per_s == pytest.approx(parse_rate_per_s(written, "min"))


@pytest.mark.parametrize("written", ["fast", "100 s", "100/day", "100//s", "-1/s", True, None])
def test_what_is_no_rate_is_refused(written: object) -> None:
    with pytest.raises(ConfigurationError) as error:
        parse_rate_per_s(written, "min")
    assert str(error.value).startswith(f"min={written!r}: expected times in a second as a number")
    assert '"3000/min"' in str(error.value)


@pytest.mark.parametrize(("written", "share"), [(0.95, 0.95), ("95%", 0.95), ("95 %", 0.95), (1, 1.0), (0, 0.0)])
def test_a_share_is_read(written: object, share: float) -> None:
    assert share == pytest.approx(parse_share(written, "min"))


@pytest.mark.parametrize("written", [95, "101%", -0.1, "most", "95%%", True, None])
def test_what_is_no_share_is_refused(written: object) -> None:
    with pytest.raises(ConfigurationError) as error:
        parse_share(written, "min")
    assert str(error.value) == f'min={written!r}: expected a number from 0 to 1, or a text such as "95%"'


def test_a_share_of_several_cores() -> None:
    assert parse_share("150%", "share", of_several=True) == pytest.approx(1.5)
    assert parse_share(0.5, "share", of_several=True) == 0.5
    with pytest.raises(ConfigurationError, match=r'share=95: expected .* or, of several cores, "150%"'):
        parse_share(95, "share", of_several=True)


@pytest.mark.parametrize(
    ("written", "size"),
    [(512, 512), ("512", 512), ("64MiB", 64 << 20), ("1.5KiB", 1536), ("1GB", 10**9), ("2 gib", 2 << 30), ("7b", 7)],
)
def test_a_size_is_read(written: object, size: int) -> None:
    assert size == parse_size_bytes(written, "memory")


def test_a_size_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"memory='64MeB': expected bytes as a number.*64MiB"):
        parse_size_bytes("64MeB", "memory")


@pytest.mark.parametrize(
    ("seconds", "printed"),
    [
        (0, "0s"),
        (3e-9, "3ns"),
        (40e-6, "40µs"),
        (0.0123456, "12.3ms"),
        (0.9994, "999ms"),
        (0.9999, "1s"),
        (90, "90s"),
        (119.2, "119s"),
        (120, "2min"),
        (3599, "1h"),
        (3600, "1h"),
        (86_400, "24h"),
        (36_000_000, "10000h"),
        (-0.25, "-250ms"),
    ],
)
def test_a_duration_is_printed(seconds: float, printed: str) -> None:
    assert printed == format_duration_s(seconds)


def test_nanoseconds_are_printed() -> None:
    assert format_duration_ns(1_500_000) == "1.5ms"


@pytest.mark.parametrize(
    ("size", "printed"),
    [
        (0, "0B"),
        (1000, "1000B"),
        (1024, "1KiB"),
        (1023 << 10, "1023KiB"),
        (64 << 20, "64MiB"),
        (1.5 * 2**30, "1.5GiB"),
        (5000 << 30, "5000GiB"),
    ],
)
def test_a_size_is_printed(size: float, printed: str) -> None:
    assert printed == format_size(size)


@given(st.floats(min_value=1e-8, max_value=1e7))
def test_a_printed_duration_is_read_again_to_three_digits(seconds: float) -> None:
    tolerance = pytest.approx(seconds, rel=0.005)
    assert tolerance == parse_duration_s(format_duration_s(seconds), "p95")


@given(st.integers(min_value=1, max_value=1 << 50))
def test_a_printed_size_is_read_again_to_three_digits(size: int) -> None:
    tolerance = pytest.approx(size, rel=0.005, abs=0.5)
    assert tolerance == parse_size_bytes(format_size(size), "memory")
