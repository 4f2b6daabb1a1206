"""A few tests of every plan once more, the kernels compiled with AddressSanitizer."""

import os
import re
import subprocess
import sys

import pytest

from tests.cuda_emulator import emulator


def _libasan():
    command = ["g++", "-print-file-name=libasan.so"]
    path = subprocess.run(command, capture_output=True, text=True).stdout.strip()
    return path if os.path.isabs(path) else ""


def _run(root, *arguments, **environment):
    if reason := emulator.missing_compiler():
        pytest.skip(reason)
    if not _libasan():
        pytest.skip("libasan is not installed")
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--capture=sys",
            "-p",
            "tests.cuda.sampled",
            *arguments,
        ],
        cwd=root,
        env={
            **os.environ,
            "LD_PRELOAD": _libasan(),
            "ASAN_OPTIONS": "detect_leaks=0",
            "PYTHONMALLOC": "malloc",
            "EDGECV_EMULATOR_FLAGS": "-fsanitize=address -O1",
            "EDGECV_NO_NUMBA": "1",
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=900,
    )


def test_plans_stay_inside_their_arrays(root):
    plans = [str(path.relative_to(root)) for path in sorted(root.glob("tests/ops/*/test_cuda.py"))]
    done = _run(root, *plans, "tests/cuda/test_kernels.py", EDGECV_SAMPLE="1")
    said = done.stdout[-3000:] + done.stderr[-6000:]
    assert "AddressSanitizer" not in done.stderr, said
    assert done.returncode == 0, said
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed, said
    assert int(passed[1]) > len(plans) // 2


OVERRUN = """
import numpy as np
import pytest
from pathlib import Path
SOURCE = Path("tests/cuda_emulator/wrong.cu")

@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_overrun(session):
    kernel = session.kernels(SOURCE).function("wrong_overrun", "Pi")
    stream = session.stream()
    kernel.launch(stream, (1,), (32,), session.zeros((32,), np.int32), 1)
    stream.synchronize()
"""


def test_one_element_too_far_is_reported_with_its_line(root):
    file = root / "tests" / "cuda" / f"test_overrun_{os.getpid()}.py"
    file.write_text(OVERRUN)
    try:
        done = _run(root, str(file.relative_to(root)))
    finally:
        file.unlink()
    assert "AddressSanitizer: use-after-poison" in done.stderr, done.stdout + done.stderr
    assert "wrong.cu:" in done.stderr
