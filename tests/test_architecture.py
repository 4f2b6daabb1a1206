"""The tree tells the truth about the house: rooms, verbs, tests, and what each may load."""

import ast
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from edgecv.cli.app import VERBS
from edgecv.pipeline import STAGES
from edgecv.recipe import Recipe

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted((ROOT / "edgecv").rglob("*.py"))
HEAVY = (
    "torch",
    "tensorrt",
    "tensorrt_rtx",
    "onnx",
    "onnxruntime",
    "openvino",
    "pycuda",
    "cv2",
    "matplotlib",
)
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "base", "core"}
TRAINING = "torch onnx onnxscript lightning lightning_fabric safetensors".split()
STDLIB_AFTER_3_10 = ("tomllib", "wsgiref.types", "asyncio.taskgroups")


def _python(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_stage_is_a_package_a_verb_a_recipe_section_and_a_test_folder(stage):
    assert find_spec(f"edgecv.{stage.name}").submodule_search_locations, "package"
    assert find_spec(f"edgecv.cli.{stage.name}"), "CLI verb"
    assert stage.name in Recipe.model_fields, "recipe section"
    assert list((ROOT / "tests" / stage.name).glob("test_*.py")), "test folder"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_there(verb):
    assert find_spec(f"edgecv.cli.{verb}"), "a verb of DESIGN has no file"


def test_every_file_in_cli_is_a_verb():
    names = {path.stem for path in (ROOT / "edgecv" / "cli").glob("*.py")}
    assert names - {"__init__", "app", "options"} == set(VERBS)


def _has_code(module: Path) -> bool:
    """Whether a package's `__init__` does more than to gather names."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return any(isinstance(node, kinds) for node in ast.parse(module.read_text()).body)


def _own_test(module: Path) -> list[Path]:
    """Where the tests of a module may be: a package's beside or in its folder, named after it.

    `loops.py` is the compiled form of an op's `cpu.py`: one test runs both.
    """
    inside = module.relative_to(ROOT / "edgecv")
    folder = ROOT / "tests" / inside.parent
    if inside.name == "__init__.py":
        name = inside.parent.name or "edgecv"
        return [folder / f"test_{name}.py", folder.parent / f"test_{name}.py"]
    name = "cpu" if inside.stem == "loops" else inside.stem.strip("_")
    return [folder / f"test_{name}.py"]


@pytest.mark.parametrize(
    "module",
    [path for path in MODULES if path.name != "__init__.py" or _has_code(path)],
    ids=lambda path: path.relative_to(ROOT / "edgecv").as_posix(),
)
def test_every_module_has_a_test_of_its_name(module):
    assert any(place.is_file() for place in _own_test(module)), _own_test(module)[0]


def test_compiled_loops_and_their_numpy_form_are_tested_alike():
    for loops in (ROOT / "edgecv" / "ops").glob("*/loops.py"):
        (own,) = _own_test(loops)
        both = re.search(r'usefixtures\("form"\)|def test_\w+\([^)]*\bform\b', own.read_text())
        assert both, f"{own}: runs one form"


def test_every_test_folder_mirrors_a_room():
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    others = {ROOT / "tests"} | {ROOT / "tests" / n for n in ("foreign", "hostile", "recipes")}
    strays = {
        f
        for f in folders - others
        if not (ROOT / "edgecv" / f.relative_to(ROOT / "tests")).is_dir()
    }
    assert not strays


def test_nothing_has_a_vague_name():
    names = {part for path in MODULES for part in (*path.relative_to(ROOT).parent.parts, path.stem)}
    assert not {name.lstrip("_") for name in names} & VAGUE


def test_files_and_functions_stay_readable():
    long = [p.name for p in MODULES if len(p.read_text().splitlines()) > 400]
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                start = node.body[0].end_lineno if ast.get_docstring(node) else node.lineno
                lines = node.end_lineno - start
                long += [f"{path.stem}.{node.name} {lines}"] if lines > 60 else []
    assert not long


def test_verb_files_stay_thin():
    long = {v: len((ROOT / f"edgecv/cli/{v}.py").read_text().splitlines()) for v in VERBS}
    assert not {verb: lines for verb, lines in long.items() if lines > 90}


def test_tests_are_collected_from_every_folder():
    """Pytest's default norecursedirs would skip tests/build silently."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests/build"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    config = (ROOT / "pyproject.toml").read_text()
    assert re.search(r"^tests/build/.*::", done.stdout, re.M), done.stdout[-500:]
    assert re.search(r'norecursedirs = \["\.git"', config), "`build` must not come back"


LOADED = "import sys; {}; print(*[m for m in sys.argv[1].split() if m in sys.modules])"


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import edgecv", id="import"),
        pytest.param("import edgecv.cli.app", id="cli"),
        pytest.param(
            "from typer.testing import CliRunner; from edgecv.cli.app import app;"
            "assert CliRunner().invoke(app, ['--help']).exit_code == 0",
            id="help",
        ),
    ],
)
def test_start_loads_nothing_heavy(code):
    assert _python(LOADED.format(code), " ".join(HEAVY)).split() == []


def test_help_needs_neither_numpy_nor_pydantic():
    """What keeps `edgecv --help` fast (benchmarks/startup.py measures it)."""
    code = "import edgecv.cli.app"
    assert _python(LOADED.format(code), "numpy pydantic ruamel.yaml rich").split() == []


def test_help_of_no_verb_loads_anything_heavy():
    code = (
        "from typer.testing import CliRunner; from edgecv.cli.app import VERBS, app\n"
        "for verb in VERBS: assert CliRunner().invoke(app, [verb, '--help']).exit_code == 0, verb\n"
        "import sys; print(*[m for m in sys.argv[1].split() if m in sys.modules])"
    )
    assert _python(code, " ".join(HEAVY)).split() == []


DEVICE_ROOMS = "runtime engines ops run evaluate bench doctor inspect metrics data cuda".split()
BLOCK = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {names}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
"""


@pytest.mark.parametrize("room", [r for r in DEVICE_ROOMS if find_spec(f"edgecv.{r}")])
def test_every_module_of_a_device_room_imports_without_torch_and_onnx(room):
    code = BLOCK.format(names=TRAINING) + (
        "import importlib\nfor name in sys.argv[1].split(): importlib.import_module(name)"
    )
    files = [path for path in MODULES if path.is_relative_to(ROOT / "edgecv" / room)]
    names = [".".join(p.relative_to(ROOT).with_suffix("").parts) for p in files]
    _python(code, " ".join(name.removesuffix(".__init__") for name in names))


def test_nothing_newer_than_python_3_10_is_used():
    for path in [*MODULES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]:
        text = path.read_text()
        ast.parse(text, feature_version=(3, 10))
        newer = r"\bdatetime\.UTC\b|import UTC\b|\bExceptionGroup\b|from typing import .*\bSelf\b"
        assert path == Path(__file__) or not re.search(newer, text), path
        assert path == Path(__file__) or not any(name in text for name in STDLIB_AFTER_3_10), path


def test_no_pickle_no_shell_no_yaml_load():
    banned = re.compile(
        r"\bpickle\.loads?\(|\byaml\.load\(|shell=True|os\.system\(|weights_only=False"
    )
    assert not [path for path in MODULES if banned.search(path.read_text())]
