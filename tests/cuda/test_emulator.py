"""The emulator reports what a device would not forgive, and runs the rest as a device does."""

import os
import subprocess
import sys

import numpy as np
import pytest

from tests.cuda_emulator import emulator
from tests.cuda_emulator.emulator import HERE, KernelError

pytestmark = pytest.mark.skipif(
    bool(emulator.missing_compiler()), reason=emulator.missing_compiler() or "g++ is here"
)
ORDERS = {"forward": 0, "reverse": 1, "shuffled": 7}
POISON = np.array([0xCDCDCDCD], np.uint32).view(np.int32)[0]
SOURCE = HERE / "wrong.cu"


@pytest.fixture(params=ORDERS)
def order(request):
    return ORDERS[request.param]


def _run(name, out, *more, block=(32,), grid=(1,), **options):
    """Launch a kernel of wrong.cu on `out` and what follows: arrays, or int32 numbers."""
    values = [out, *more]
    codes = "".join("P" if isinstance(value, np.ndarray) else "i" for value in values)
    values = [v.ctypes.data if isinstance(v, np.ndarray) else v for v in values]
    function = emulator.build(SOURCE).function(name)
    function.launch(grid, block, codes, values, **options)
    return out


def _ints(count):
    return np.zeros(count, np.int32)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("wrong_divergent_barrier", r"divergent __syncthreads\(\): other threads wait at line"),
        ("wrong_deadlock", r"deadlock: thread \d+ waits at a warp barrier nobody completes"),
        ("wrong_shuffle_with_exited_lanes", r"mask names an exited lane|deadlock|outside"),
        ("wrong_mask_without_the_caller", "calling lane is not in its own mask"),
        ("wrong_lane_outside_the_mask", "reads a lane outside its mask"),
        ("wrong_lock", "a lock that nobody gives back"),
    ],
)
def test_a_mistake_is_reported_in_every_order(order, name, told):
    with pytest.raises(KernelError, match=f"{name}: .*({told})"):
        _run(name, _ints(64), order=order)


def test_the_message_names_line_block_and_thread():
    with pytest.raises(KernelError, match=r"__trap\(\) \(line \d+, block 0,0,0 thread 5,0,0\)"):
        _run("wrong_trap", (np.arange(32) == 5).astype(np.int32))


def test_dynamic_shared_memory_is_watched(order):
    out = _run("right_dynamic_shared", _ints(32), shared=128, order=order)
    np.testing.assert_array_equal(out, np.arange(32)[::-1])
    with pytest.raises(KernelError, match="past the launched size"):
        _run("right_dynamic_shared", _ints(32), shared=64, order=order)
    with pytest.raises(KernelError, match="than any device has"):
        _run("right_dynamic_shared", _ints(32), shared=1 << 20)


def test_a_missing_barrier_shows_as_a_difference_between_orders():
    got = [_run("wrong_missing_barrier", _ints(64), block=(64,), order=o) for o in ORDERS.values()]
    assert not np.array_equal(got[0], got[1])
    assert any((one == POISON).any() for one in got)


def test_uninitialised_shared_memory_is_poison():
    out = _run("wrong_uninitialised", _ints(1), block=(64,))
    assert out[0] == POISON + 64


def test_blocks_run_in_the_order_asked_for():
    last = {
        name: _run("wrong_last_block_wins", _ints(1), block=(1,), grid=(9,), order=o)[0]
        for name, o in ORDERS.items()
    }
    assert (last["forward"], last["reverse"]) == (8, 0)
    assert last["shuffled"] not in (0, 8)


def test_threads_that_returned_count_as_arrived(order):
    out = _run("right_early_exit", _ints(64), block=(64,), order=order)
    assert out.sum() == 40


@pytest.mark.parametrize("threads", [1, 2])
def test_locks_and_atomics(order, threads):
    lock, total = _ints(1), _ints(1)
    _run("right_lock", lock, total, block=(64,), grid=(4,), order=order, threads=threads)
    assert total[0] == 256
    out = np.array([0, -1, 99, 0, 0], np.int32)
    _run("right_atomics", out, block=(64,), order=order)
    np.testing.assert_array_equal(out, [64, 63, 0, -1, 64 % 10])


def test_votes_ballots_and_matches(order):
    out = _run("right_votes", _ints(8), order=order)
    odd = np.array([0xAAAAAAAA, 0x55555555], np.uint32).view(np.int32)
    np.testing.assert_array_equal(out[:7], [16, 1, 0, *odd, 1, 0])


def test_shuffles(order):
    lane = np.arange(32)
    up, down, across, from_third = _run("right_shuffles", _ints(128), order=order).reshape(4, 32)
    np.testing.assert_array_equal(up, np.maximum(lane - 1, 0))
    np.testing.assert_array_equal(down, np.where(lane % 8 < 6, lane + 2, lane))
    np.testing.assert_array_equal(across, lane ^ 16)
    np.testing.assert_array_equal(from_third, lane // 8 * 8 + 3)


def test_grids_and_blocks_have_three_sides(order):
    out = _run("right_geometry", _ints(6 * 4 * 2), block=(3, 2, 1), grid=(2, 2, 2), order=order)
    z, y, x = np.indices((2, 4, 6))
    np.testing.assert_array_equal(out.reshape(2, 4, 6), x + 10 * y + 100 * z)


@pytest.mark.parametrize(
    ("sides", "told"),
    [({"block": (1025,)}, "bad block"), ({"grid": (0,)}, "bad grid"), ({"block": (0,)}, "block")],
)
def test_sizes_no_device_takes_are_refused(sides, told):
    with pytest.raises(KernelError, match=told):
        _run("right_early_exit", _ints(64), **sides)


def test_arguments_must_have_the_sizes_the_kernel_takes():
    function = emulator.build(SOURCE).function("wrong_overrun")
    with pytest.raises(KernelError, match=r"takes arguments of \[8, 4\] bytes, got \[8, 8\]"):
        function.launch((1,), (1,), "Pq", (0, 1))
    with pytest.raises(KeyError, match="no_such_kernel"):
        emulator.build(SOURCE).function("no_such_kernel")


def test_every_half_is_converted_as_ieee_says():
    every = np.arange(65536, dtype=np.uint16)
    out = np.empty(65536, np.float32)
    _run("right_half_to_float", every, out, 65536, block=(256,), grid=(256,))
    np.testing.assert_array_equal(out, every.view(np.float16).astype(np.float32))


def test_floats_are_rounded_to_halves_to_nearest_even(rng):
    halves = np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(np.float32)
    between = (halves[:-1] + halves[1:]) / 2  # every tie
    edges = [65519.99, 65520, 65536, 1e30, np.inf, np.nan, 0, 2**-25, 2**-24, 1e-30, 3e-45]
    values = np.concatenate(
        [between, np.nextafter(between, 0), np.nextafter(between, 1e9), np.float32(edges)]
    ).astype(np.float32)
    values = np.concatenate([values, -values])
    out = np.empty(len(values), np.uint16)
    _run(
        "right_float_to_half",
        values,
        out,
        len(values),
        block=(256,),
        grid=(len(values) // 256 + 1,),
    )
    with np.errstate(over="ignore"):
        want = values.astype(np.float16)
    np.testing.assert_array_equal(out.view(np.float16), want)
    assert (out[np.isnan(values)] == 0x7FFF).all()


def test_keys_sort_as_floats_do(rng):
    special = np.float32([0, -0.0, np.inf, -np.inf, np.nan, -np.nan, 1e-45, -1e-45, 3e38, -3e38])
    values = np.concatenate([special, rng.standard_normal(100).astype(np.float32)])
    keys, back = np.empty(110, np.uint32), np.empty(110, np.float32)
    _run("right_order", values, keys, back, 110, block=(128,))
    order = np.argsort(keys, kind="stable")
    rank = np.where(np.isnan(values), -np.inf, values)[order]
    assert (rank[1:] >= rank[:-1]).all()
    assert keys[0] == keys[1]
    assert keys[np.isnan(values)].max() < keys[np.isneginf(values)][0]
    np.testing.assert_array_equal(back, values)


def test_a_second_build_takes_the_first_ones_library(tmp_path, monkeypatch):
    monkeypatch.setattr(emulator, "cache_folder", lambda: tmp_path / "cache")
    source = tmp_path / "two.cu"
    kernel = 'extern "C" __global__ void two(int* x) { *x = VALUE; }'
    source.write_text(kernel)
    out = _ints(1)
    for value in ("2", "3", "2"):
        function = emulator.build(source, {"VALUE": value}).function("two")
        function.launch((1,), (1,), "P", (out.ctypes.data,))
        assert out[0] == int(value)
    assert len(list((tmp_path / "cache").iterdir())) == 2
    source.write_text(kernel.replace("VALUE", "VALUE + 1"))
    emulator.build(source, {"VALUE": "2"}).function("two").launch(
        (1,), (1,), "P", (out.ctypes.data,)
    )
    assert out[0] == 3


def test_a_source_that_does_not_compile_shows_why(tmp_path):
    source = tmp_path / "broken.cu"
    source.write_text('extern "C" __global__ void broken(int* x) { y = 1; }')
    with pytest.raises(KernelError, match=r"(?s)broken\.cu does not compile.*'y' was not declared"):
        emulator.build(source)


def test_the_portable_fibers_work_too():
    """ucontext, as on aarch64."""
    function = emulator.build(SOURCE, flags=("-DEMULATOR_UCONTEXT",)).function("right_early_exit")
    out = _ints(64)
    function.launch((1,), (64,), "P", (out.ctypes.data,))
    assert out.sum() == 40


UNDER_A_SANITIZER = """
import sys
import numpy as np
from tests.cuda_emulator import emulator
module = emulator.build(emulator.HERE / "wrong.cu", flags=("-fsanitize=" + sys.argv[1],))
out = np.zeros(64, np.int32)
module.function(sys.argv[2]).launch((1,), (32,), "Pi", (out.ctypes.data, int(sys.argv[3])))
print("finished")
"""


def _library(name):
    done = subprocess.run(["g++", f"-print-file-name=lib{name}.so"], capture_output=True, text=True)
    path = done.stdout.strip()
    return path if os.path.isabs(path) else None


def _under(sanitizer, library, kernel, number, root):
    found = _library(library)
    if found is None:
        pytest.skip(f"lib{library} is not installed")
    return subprocess.run(
        [sys.executable, "-c", UNDER_A_SANITIZER, sanitizer, kernel, str(number)],
        cwd=root,
        env={
            **os.environ,
            "LD_PRELOAD": found,
            "ASAN_OPTIONS": "detect_leaks=0",
            "UBSAN_OPTIONS": "halt_on_error=1",
            "PYTHONMALLOC": "malloc",
        },
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize(("beyond", "sane"), [(0, True), (40, False)])
def test_address_sanitizer_sees_a_kernel_write_outside_an_array(beyond, sane, root):
    done = _under("address", "asan", "wrong_overrun", beyond, root)
    assert ("finished" in done.stdout) == sane, done.stderr[-2000:]
    assert ("heap-buffer-overflow" in done.stderr) == (not sane)
    assert sane or "wrong.cu:" in done.stderr


@pytest.mark.parametrize(("count", "sane"), [(8, True), (20, False)])
def test_the_bounds_sanitizer_sees_static_shared_arrays(count, sane, root):
    done = _under("bounds", "ubsan", "wrong_static_overrun", count, root)
    assert ("out of bounds" in done.stderr) == (not sane), done.stderr[-2000:]
