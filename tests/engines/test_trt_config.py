"""The builder's configuration, directly: what no whole build shows."""

from types import SimpleNamespace

import pytest

from edgecv.engines.trt_config import OWN_TACTICS, Configuration
from edgecv.engines.trt_job import Job
from edgecv.errors import MachineError, UnsupportedModel
from tests.engines.fake_tensorrt import VERSIONS, FakeTensorRT


@pytest.fixture
def configure(tmp_path):
    def make(version="10.3.0.26", shape=(1, 3, 8, 8), cache=True, **more):
        trt, said = FakeTensorRT(version), []
        builder = trt.Builder(None)
        network = trt._network()
        network._have["get_input"] = lambda index: SimpleNamespace(name="images", shape=shape)
        path = str(tmp_path / "t.cache") if cache else ""
        options = {"precision": "fp32", **more}
        flavour = "tensorrt-rtx" if version.startswith("rtx") else "tensorrt"
        job = Job(flavour, "m", "s", "p", options, (1, 2, 4), timing_cache=path)
        setup = Configuration(trt, builder, network, job, said.append)
        return setup, trt, said

    return make


@pytest.mark.parametrize("shape", [(1, 3, -1, 8), (-1, 3, 8, -1), (1, -1, 8, 8)])
def test_only_the_batch_may_be_dynamic(configure, shape):
    setup, _, _ = configure(shape=shape)
    with pytest.raises(UnsupportedModel, match="only the batch may be dynamic"):
        setup.make(strong=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_layer_names_and_types_are_kept_for_the_inspector(configure, version):
    setup, trt, _ = configure(version)
    setup.make(strong=version not in VERSIONS[:2])
    assert trt.called("config.profiling_verbosity =")[0][0].name == "DETAILED"


@pytest.mark.parametrize("broken", [False, True], ids=["another-device", "broken"])
def test_a_timing_cache_that_does_not_fit_makes_way_for_a_new_one(configure, broken, tmp_path):
    """Without one attached, TensorRT's own would be lost with every build."""
    setup, trt, said = configure()
    (tmp_path / "t.cache").write_bytes(b"of another device")
    config = trt._config()
    create = config._have["create_timing_cache"]
    config._have["create_timing_cache"] = lambda blob: None if broken and blob else create(blob)
    config._have["set_timing_cache"] = lambda cache, ignore_mismatch: (
        len(trt.called("config.create_timing_cache")) == 2
    )
    setup._builder._have["create_builder_config"] = lambda: config
    setup.save_timing_cache(setup.make(strong=True))
    assert [blob for (blob,) in trt.called("config.create_timing_cache")] == [
        b"of another device",
        b"",
    ]
    assert said == ["NOTE: the timing cache is of another device or version: a new one is begun"]
    assert (tmp_path / "t.cache").read_bytes() == b"timings"


def test_a_timing_cache_that_cannot_be_read_or_kept_stops_no_build(configure, tmp_path):
    setup, trt, said = configure()
    (tmp_path / "t.cache").mkdir()
    setup.save_timing_cache(setup.make(strong=True))
    assert trt.called("config.create_timing_cache") == [(b"",)]
    assert len(said) == 1
    assert said[0].startswith("NOTE: the timing cache was not kept")


def test_a_refused_profile_is_an_error(configure):
    setup, trt, _ = configure(shape=(-1, 3, 8, 8))
    config = trt._config()
    config._have["add_optimization_profile"] = lambda profile: -1
    setup._builder._have["create_builder_config"] = lambda: config
    with pytest.raises(UnsupportedModel, match="refused the batch range"):
        setup.make(strong=True)


def test_without_a_file_there_is_no_timing_cache(configure):
    setup, trt, _ = configure(cache=False)
    setup.save_timing_cache(setup.make(strong=True))
    assert trt.called("config.create_timing_cache") == []


def test_the_monitor_reports_unknown_phases_too(configure):
    setup, _, said = configure()
    monitor = setup.make(strong=True)._have["progress_monitor"]
    monitor.phase_finish("never started")
    assert said == ["PROGRESS: never started 0/0"]


@pytest.mark.parametrize("version", VERSIONS)
def test_auxiliary_streams_are_limited_where_the_version_can(configure, version):
    setup, trt, _ = configure(version, aux_streams=0)
    if version == VERSIONS[0]:
        with pytest.raises(MachineError, match="auxiliary streams"):
            setup.make(strong=False)
    else:
        setup.make(strong=version not in VERSIONS[:2])
        assert trt.called("config.max_aux_streams =") == [(0,)]


@pytest.mark.parametrize("version", VERSIONS)
def test_rtx_engines_allocate_nothing_while_they_run(configure, version):
    setup, trt, _ = configure(version)
    setup.make(strong=version not in VERSIONS[:2])
    flags = [flag.name for (flag,) in trt.called("config.set_flag")]
    assert ("REQUIRE_USER_ALLOCATION" in flags) == version.startswith("rtx")


def test_without_cublas_only_tensorrts_own_kernels_are_tried(configure, monkeypatch):
    monkeypatch.setenv(OWN_TACTICS, "1")
    setup, trt, _ = configure("8.5.2.2")
    setup.make(strong=False)
    assert trt.called("config.set_tactic_sources") == [(0b11000,)]
    monkeypatch.delenv(OWN_TACTICS)
    setup, trt, _ = configure("8.5.2.2")
    setup.make(strong=False)
    assert trt.called("config.set_tactic_sources") == []


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("batch", [1, -1])
def test_contexts_may_share_the_profile_of_a_dynamic_engine(configure, version, batch):
    setup, trt, _ = configure(version, shape=(batch, 3, 8, 8))
    setup.make(strong=version not in VERSIONS[:2])
    asked = [feature.name for feature, _ in trt.called("config.set_preview_feature")]
    assert asked == (["PROFILE_SHARING_0806"] if version[:3] == "8.6" and batch < 0 else [])
