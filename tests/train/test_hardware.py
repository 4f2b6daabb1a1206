import pytest
import torch

from edgecv.errors import MachineError, UsageError
from edgecv.train.hardware import Hardware, choose_hardware, has_bf16

no_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")


@pytest.mark.parametrize(("flags", "has"), [("avx512f amx_bf16 amx_tile", True), ("avx2", False)])
def test_bf16_is_taken_from_the_cpus_flags(tmp_path, flags, has):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"flags : fpu {flags}\n")
    assert has_bf16("cpu", cpuinfo) is has


def test_a_machine_without_cpuinfo_trains_in_fp32(tmp_path):
    assert has_bf16("cpu", tmp_path / "none") is False


def test_what_is_asked_for_is_taken():
    assert choose_hardware("cpu", "fp32") == Hardware("cpu", "fp32")
    assert choose_hardware("cpu", "bf16").fabric_precision == "bf16-mixed"
    assert choose_hardware("cpu", "auto").precision in ("fp32", "bf16")


def test_unknown_device_is_refused():
    with pytest.raises(UsageError, match="'tpu' is not one of auto, cpu, cuda"):
        choose_hardware("tpu", "auto")


@no_cuda
def test_a_missing_gpu_is_the_machines_lack():
    with pytest.raises(MachineError, match="no CUDA device") as caught:
        choose_hardware("cuda", "auto")
    assert caught.value.exit_code == 3


def test_fp16_on_a_cpu_is_refused():
    with pytest.raises(MachineError, match="fp16 needs a CUDA device"):
        choose_hardware("cpu", "fp16")
