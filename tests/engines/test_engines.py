"""The room's door: which backends there are, and that what is asked reaches the right one."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import pytest

from edgecv import engines
from edgecv.bundle import PrecisionRecord, open_bundle
from edgecv.errors import EngineMismatch, UnknownName
from edgecv.recipe import Build


class Backend:
    """Stands for a backend's module: notes what is asked."""

    def __init__(self):
        self.asked, self.facts = [], {}

    def __getattr__(self, name):
        def call(*arguments, **options):
            self.asked.append((name, arguments, options))
            return self.facts if name == "require_match" else name

        return call


@pytest.fixture
def backend(monkeypatch):
    fake = Backend()
    monkeypatch.setitem(engines._MODULES, "openvino", "the openvino module")
    monkeypatch.setattr(engines, "import_module", {"the openvino module": fake}.__getitem__)
    return fake


def bundle(folder, **changes):
    manifest = SimpleNamespace(backend="openvino", precision=PrecisionRecord(asked="fp32"))
    for name, value in changes.items():
        setattr(manifest, name, value)
    return SimpleNamespace(folder=folder, engine=folder / "engine.xml", manifest=manifest)


def test_recipes_may_ask_for_each_backend_or_for_the_fastest():
    known = get_args(Build.model_fields["backend"].annotation)
    assert set(known) == {"auto", *engines.BACKENDS}
    assert set(engines._MODULES) == set(engines._PACKAGES) == set(engines.BACKENDS)


@pytest.mark.parametrize(
    ("installed", "found"),
    [
        pytest.param((), (), id="none"),
        pytest.param(("onnxruntime", "openvino"), ("openvino", "onnxruntime"), id="cpu"),
        pytest.param(("tensorrt_lean",), ("tensorrt",), id="lean-runtime"),
        pytest.param(("tensorrt_rtx",), ("tensorrt-rtx",), id="rtx"),
    ],
)
def test_available_are_those_whose_package_is_installed(monkeypatch, installed, found):
    specs = {name: SimpleNamespace(origin=f"{name}/__init__.py") for name in installed}
    monkeypatch.setattr(engines, "find_spec", specs.get)
    assert engines.available() == found


def test_a_folder_of_a_packages_name_is_no_package(monkeypatch):
    monkeypatch.setattr(engines, "find_spec", lambda _name: SimpleNamespace(origin=None))
    assert engines.available() == ()


def test_asking_what_there_is_imports_none_of_it(root):
    code = (
        "import sys; from edgecv.engines import available; available(); print("
        "*{'openvino', 'onnxruntime', 'tensorrt', 'tensorrt_rtx', 'onnx'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_a_build_reaches_its_backend(backend):
    options = Build(precision="fp16")
    paths = Path("m.onnx"), Path("folder")
    built = engines.build_engine("openvino", *paths, options, (1, 2, 4), source=Path("s.onnx"))
    assert built == "build_engine"
    assert engines.build_engine("openvino", *paths, options) == "build_engine"
    assert backend.asked == [
        ("build_engine", (*paths, options, (1, 2, 4)), {"source": Path("s.onnx")}),
        ("build_engine", (*paths, options, (1, 1, 1)), {"source": None}),
    ]


def test_a_load_reaches_its_backend(backend):
    engines.load_engine("openvino", Path("e"), precision="int8", rest="fp16", threads=3, streams=2)
    engines.load_engine("openvino", Path("e"), precision="fp32")
    assert backend.asked == [
        (
            "load_engine",
            (Path("e"),),
            {"precision": "int8", "rest": "fp16", "threads": 3, "streams": 2},
        ),
        (
            "load_engine",
            (Path("e"),),
            {"precision": "fp32", "rest": "fp32", "threads": 0, "streams": 1},
        ),
    ]


def test_a_bundle_is_loaded_as_its_manifest_says(backend, tmp_path):
    given = bundle(tmp_path, precision=PrecisionRecord(asked="mixed", rest="fp16"))
    assert engines.open_engine(given, threads=4, streams=3) == "load_engine"
    match, load = backend.asked
    assert match == ("require_match", (given.manifest,), {})
    options = {"precision": "mixed", "rest": "fp16", "threads": 4, "streams": 3}
    assert load == ("load_engine", (given.engine,), options)


def test_an_engine_that_does_not_fit_is_not_loaded(backend, tmp_path):
    backend.facts = {"built_for": "sm86", "here": "sm89"}
    says = rf"(?s){tmp_path.name} does not fit.*built for: sm86.*here: sm89.*fix: edgecv build"
    with pytest.raises(EngineMismatch, match=says):
        engines.open_engine(bundle(tmp_path))
    assert [name for name, _, _ in backend.asked] == ["require_match"]


def test_a_backend_that_fits_everywhere_has_nothing_to_check(tiny_bundle):
    assert engines.misfit(open_bundle(tiny_bundle("classify")).manifest) == {}


def test_an_unknown_backend_names_the_right_ones(tmp_path):
    with pytest.raises(UnknownName, match="openvino"):
        engines.load_engine("openvno", tmp_path / "x", precision="fp32")
