"""A few tests of every plan once more, the kernels compiled with sanitizers.

AddressSanitizer for accesses; of UBSan what a GPU does otherwise than this CPU: a float beyond the
integers (a GPU saturates), shifts beyond a word, misaligned vectors, a division by zero.
"""

import os
import re
import subprocess
import sys

import pytest

from tests.cuda_emulator import emulator

_DIFFERS = "float-cast-overflow,shift,integer-divide-by-zero,signed-integer-overflow,alignment"


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
            "EDGECV_EMULATOR_FLAGS": f"-fsanitize=address,{_DIFFERS} -O1",
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
    assert "runtime error" not in done.stderr, said  # UBSan goes on after it
    assert done.returncode == 0, said
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed, said
    assert int(passed[1]) > len(plans) // 2


SATURATES = """
import numpy as np
import pytest
from pathlib import Path
from tests.cuda_emulator import emulator

@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_saturates(session):
    value, out = session.upload(np.float32([1e20])), session.zeros((1,), np.int32)
    function = emulator.build(Path({source!r})).function("saturates")
    function.launch((1,), (1,), "PP", (value.address, out.address))
"""

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


def test_what_a_gpu_computes_otherwise_is_reported(root, tmp_path):
    """Where a kernel would give one number here and another there."""
    file = root / "tests" / "cuda" / f"test_saturates_{os.getpid()}.py"
    source = tmp_path / "saturates.cu"
    source.write_text(
        'extern "C" __global__ void saturates(const float* x, int* y) { *y = (int)*x; }\n'
    )
    file.write_text(SATURATES.format(source=str(source)))
    try:
        done = _run(root, str(file.relative_to(root)))
    finally:
        file.unlink()
    assert "is outside the range of representable values" in done.stderr, done.stdout + done.stderr


def test_one_element_too_far_is_reported_with_its_line(root):
    file = root / "tests" / "cuda" / f"test_overrun_{os.getpid()}.py"
    file.write_text(OVERRUN)
    try:
        done = _run(root, str(file.relative_to(root)))
    finally:
        file.unlink()
    assert "AddressSanitizer: use-after-poison" in done.stderr, done.stdout + done.stderr
    assert "wrong.cu:" in done.stderr
