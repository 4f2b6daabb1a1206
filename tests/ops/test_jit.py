"""numba where it is; without it, or without a place for its cache, everything still works."""

import sys

import pytest

from edgecv.ops import _jit
from edgecv.ops._jit import DISABLE, jit, jit_available


def double(x):
    return x + x


def test_a_loop_is_compiled_at_its_first_call():
    pytest.importorskip("numba")
    compiled = jit(double)
    assert compiled(21) == 42
    assert compiled.signatures


def test_it_can_be_switched_off(monkeypatch):
    monkeypatch.setenv(DISABLE, "1")
    assert not jit_available()


def test_without_numba_nothing_is_compiled(monkeypatch):
    monkeypatch.setattr(_jit, "find_spec", lambda _name: None)
    _jit._installed.cache_clear()
    try:
        assert not jit_available()
    finally:
        _jit._installed.cache_clear()


def test_without_a_place_for_the_cache_it_compiles_in_memory(monkeypatch):
    numba = pytest.importorskip("numba")
    njit, asked = numba.njit, []

    def no_place(**options):
        asked.append(options.get("cache", False))
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return njit(**options)

    monkeypatch.setattr(sys.modules["numba"], "njit", no_place)
    assert jit(double)(4) == 8
    assert asked == [True, False]
