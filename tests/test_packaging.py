"""The wheel: complete, small, usable outside the checkout, and installable on Python 3.10."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
pytest.importorskip("hatchling", reason="the build backend is not installed: pip install hatchling")


def _run(command, cwd, **environment):
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=280,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("dist")
    code = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    done = _run([sys.executable, "-c", code, out], ROOT)
    assert done.returncode == 0, done.stderr[-2000:]
    return out / done.stdout.split()[-1]


def _names(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_every_module_recipe_and_data_file_is_inside(wheel):
    here = [p for p in (ROOT / "edgecv").rglob("*") if p.is_file()]
    here = [path for path in here if "__pycache__" not in path.parts]
    package = {path.relative_to(ROOT).as_posix() for path in here}
    recipes = {f"edgecv/{p.relative_to(ROOT).as_posix()}" for p in ROOT.glob("recipes/**/*.yaml")}
    assert recipes
    assert package | recipes <= _names(wheel)


def test_nothing_but_the_package_is_inside(wheel):
    strays = {n for n in _names(wheel) if not n.startswith(("edgecv/", "edgecv-"))}
    assert not strays
    assert any(name.endswith("licenses/LICENSE") for name in _names(wheel))
    assert wheel.stat().st_size < 8 << 20


@pytest.fixture(scope="module")
def elsewhere(wheel, tmp_path_factory):
    """A virtual environment with the wheel alone; its dependencies are this environment's."""
    folder = tmp_path_factory.mktemp("elsewhere")
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    site = next((folder / "env" / "lib").glob("python*/site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")

    def edgecv(*arguments):
        return edgecv.python("-m", "edgecv", *arguments)

    edgecv.python = lambda *arguments: _run([python, *arguments], folder, PYTHONPATH="")
    return edgecv


def test_the_wheel_is_what_runs_elsewhere(elsewhere):
    code = elsewhere("--version")
    assert code.stdout.startswith("edgecv "), code.stderr


def test_a_shipped_recipe_is_found_by_name_outside_the_checkout(elsewhere):
    """`tiny/centernet` loads; what is refused is its missing run folder, not its name."""
    known = elsewhere("export", "tiny/centernet", "--runs", "runs")
    assert (known.returncode, "unknown recipe" in known.stderr) == (2, False), known.stderr
    unknown = elsewhere("export", "tiny/centrenet", "--runs", "runs")
    assert (unknown.returncode, "tiny/centernet" in unknown.stderr) == (2, True), unknown.stderr


def test_zoo_lists_architectures_outside_the_checkout(elsewhere):
    done = elsewhere("zoo", "--json")
    assert done.returncode == 0, done.stderr
    assert "resnet18" in done.stdout


KERNELS = """
import sys
from pathlib import Path
from edgecv.cuda.cubins import PACKAGE, precompile
from edgecv.cuda.nvrtc import installed
assert "site-packages" in str(PACKAGE), PACKAGE
sources = sorted(PACKAGE.rglob("*.cu"))[:1]
print("compiled" if not installed() else precompile(sources, ["sm87"], Path("cubins"))[0].name)
"""


def test_kernels_are_inside_and_compile_elsewhere(wheel, elsewhere):
    names = _names(wheel)
    assert any(name.endswith(".cu") for name in names)
    assert "edgecv/cuda/include/edgecv/half.cuh" in names
    done = elsewhere.python("-c", KERNELS)
    assert done.returncode == 0, done.stderr
    assert "-sm87-cuda" in done.stdout or "compiled" in done.stdout


def _python_3_10():
    """A Python 3.10 of this machine, or None."""
    pyenv = sorted(Path.home().glob(".pyenv/versions/3.10.*/bin/python"))
    found = shutil.which("python3.10")
    works = [
        p for p in (found, *pyenv) if p and _run([p, "-c", "import venv"], ROOT).returncode == 0
    ]
    return works[0] if works else None


@pytest.fixture(scope="module")
def device(wheel, tmp_path_factory):
    """A Python 3.10 with the wheel and its pinned dependencies, as on JetPack 6."""
    python = _python_3_10()
    if python is None:
        pytest.skip("no Python 3.10 on this machine")
    folder = tmp_path_factory.mktemp("device")
    _run([python, "-m", "venv", folder / "env"], folder)
    python = folder / "env" / "bin" / "python"
    pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--timeout", "15"]
    done = _run([*pip, "--retries", "1", "-c", ROOT / "constraints-device.txt", wheel], folder)
    if "Failed to establish a new connection" in done.stderr or "timed out" in done.stderr:
        pytest.skip("no package registry can be reached from here")
    assert done.returncode == 0, done.stderr[-2000:]
    return lambda *command: _run([python, *command], folder, PYTHONPATH="")


def test_device_pins_install_and_import_on_python_3_10(device):
    done = device("-c", "import edgecv, sys; print(edgecv.__version__, *sys.version_info[:2])")
    assert done.stdout.split()[1:] == ["3", "10"], done.stderr


def test_help_and_doctor_work_on_a_bare_device(device):
    assert "Usage: edgecv" in device("-m", "edgecv", "--help").stdout
    doctor = device("-m", "edgecv", "doctor", "--json")
    assert doctor.returncode in (0, 3), doctor.stderr
    assert '"python": "3.10' in doctor.stdout


@pytest.mark.parametrize("verb", ["run", "bench", "evaluate", "inspect", "doctor", "build"])
def test_device_verbs_refuse_a_missing_bundle_on_a_bare_device(device, verb):
    """Without torch, onnx, OpenCV and ONNX Runtime a verb imports, or names the extra it lacks."""
    more = {"run": ["x.png"], "build": ["--precision", "fp32"]}.get(verb, [])
    done = device("-m", "edgecv", verb, "no/bundle", *more)
    assert "Traceback" not in done.stderr
    assert "error: " in done.stderr
    assert done.returncode == (3 if "edgecv[" in done.stderr else 2), done.stderr
