"""A bundle on the device path gives what the CPU path gives, from the frame to the result."""

import pytest

from edgecv.build.kernels import add_kernels
from edgecv.bundle import open_bundle, seal
from edgecv.cuda import cubins
from edgecv.errors import MachineError
from edgecv.head.segment import ConvCrfOptions
from edgecv.runtime import load
from edgecv.runtime.device.model import DeviceModel
from tests.engines.fake_tensorrt import VERSIONS
from tests.gpu_machine import same

KINDS = ("classify", "centernet", "dense", "segment")
SIZES = ((64, 64), (48, 90), (37, 31))


@pytest.mark.parametrize("kind", KINDS)
def test_results_are_those_of_the_cpu_path_whatever_the_frames_size(
    on_gpu, tiny_bundle, picture, kind
):
    model, _, _ = on_gpu(kind)
    assert isinstance(model, DeviceModel)
    with load(tiny_bundle(kind)) as cpu:
        for size in SIZES:
            image = picture(*size)
            same(model(image), cpu(image))


def test_a_crf_refines_by_the_pixels_on_the_device(on_gpu, tiny_bundle, picture):
    model, _, _ = on_gpu("segment")
    image = picture(48, 90)
    with load(tiny_bundle("segment")) as cpu:
        crf = ConvCrfOptions(filter_size=3, iterations=2)
        head = cpu.head.model_copy(update={"crf": crf})
        (wanted,) = cpu.results([image], head=head)
        (found,) = model.results([image], head=head)
        same(found, wanted)
        assert (found.labels != cpu(image).labels).any()


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_runs_it(on_gpu, tiny_bundle, picture, version):
    model, here, _ = on_gpu("classify", version=version)
    image = picture(40, 40)
    with load(tiny_bundle("classify")) as cpu:
        same(model(image), cpu(image))
    assert here.trt.__version__ == version.removeprefix("rtx ")


@pytest.mark.parametrize("kind", KINDS)
def test_a_device_without_a_compiler_runs_on_the_kernels_of_the_bundle(
    machine, plan_bundle, picture, monkeypatch, tmp_path, kind
):
    machine()
    folder = plan_bundle(kind)
    manifest = open_bundle(folder).manifest.model_copy(update={"targets": ("sm87",)})
    try:
        kernels = add_kernels(folder, manifest)
    except MachineError as err:
        pytest.skip(err.what)
    seal(folder, manifest.model_copy(update={"kernels": kernels}))

    def none(*device):
        raise MachineError("no NVRTC on this machine")

    monkeypatch.setattr(cubins, "find_nvrtc", none)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    with load(folder) as model:
        model(picture(32, 32))
    for file in (folder / "kernels").iterdir():
        file.unlink()
    seal(folder, manifest)
    with pytest.raises(MachineError, match="no NVRTC"):
        load(folder)
