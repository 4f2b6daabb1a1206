"""Writes pycuda_names.json from pycuda's unpacked source distributions: the names of each version.

    pip download --no-deps --no-binary pycuda pycuda==2026.1 && tar xzf pycuda-2026.1.tar.gz
    python tests/cuda/read_pycuda_names.py pycuda-*/

Read are `src/wrapper/wrap_cudadrv.cpp` (the boost.python definitions) and `pycuda/driver.py` (what
Python adds to them). Versions between two that are equal are not listed.
"""

import json
import re
import sys
from pathlib import Path

CLASSES = (
    "Device Context Stream Event Module Function DeviceAllocation HostPointer "
    "PagelockedHostAllocation device_attribute function_attribute host_alloc_flags"
).split()
_OPENS = re.compile(r'py::(?:class_|enum_)\s*<[^;{]*?>\s*(?:\w+\s*)?\(\s*"(\w+)"', re.S)
_METHOD = re.compile(
    r'\.def\(\s*"(\w+)"|DEF_SIMPLE_METHOD(?:_WITH_ARGS)?\((\w+)|\.add_property\(\s*"(\w+)"'
    r'|\.value\(\s*"(\w+)"|\.def_readonly\(\s*"(\w+)"|cls\.attr\("(\w+)"\)'
)
_FUNCTION = re.compile(r'py::def\(\s*"(\w+)"|DEF_SIMPLE_FUNCTION(?:_WITH_ARGS)?\((\w+)')
_ERRORS = re.compile(r"DECLARE_EXC\((\w+), (?:NULL|Cuda)")


def _names(pattern, text):
    return {name for groups in pattern.findall(text) for name in groups if name}


def read(root: Path) -> dict[str, list[str]]:
    """Names of one unpacked source distribution, by class; `module` are the module's own."""
    wrapper = (root / "src/wrapper/wrap_cudadrv.cpp").read_text()
    wrapper = wrapper[wrapper.index("BOOST_PYTHON_MODULE") :]
    python = (root / "pycuda/driver.py").read_text()
    opens = list(_OPENS.finditer(wrapper))
    ends = [match.start() for match in opens[1:]] + [len(wrapper)]
    found = {name: set() for name in CLASSES}
    module = _names(_FUNCTION, wrapper) | set(_ERRORS.findall(wrapper))
    for match, end in zip(opens, ends, strict=True):
        body = wrapper[match.end() : end].split("py::def(")[0]
        module.add(match[1])
        if match[1] in found:
            found[match[1]] |= _names(_METHOD, body)
    for owner, name, value in re.findall(r"^\s+(\w+)\.(\w+) = (\w+)", python, re.M):
        if owner in found and not value.endswith("_pre_v4"):
            found[owner].add(name)
    module |= {name for name in re.findall(r"^def (\w+)", python, re.M) if name[0] != "_"}
    found["PagelockedHostAllocation"] |= found.pop("HostPointer")
    return {"module": sorted(module), **{name: sorted(found[name]) for name in found}}


def main(roots):
    """Write the oldest version in full, later ones as what came and went."""
    versions, last = {}, {}
    for root in sorted(roots):
        now = read(root)
        changes = {
            kind: {
                "new": sorted(set(names) - set(last.get(kind, ()))),
                "gone": sorted(set(last.get(kind, ())) - set(names)),
            }
            for kind, names in now.items()
        }
        versions[root.name.removeprefix("pycuda-")] = {
            kind: {how: names for how, names in change.items() if names}
            for kind, change in changes.items()
            if any(change.values())
        }
        last = now
    origin = "pycuda's source distributions on PyPI: src/wrapper/wrap_cudadrv.cpp, pycuda/driver.py"
    out = Path(__file__).with_name("pycuda_names.json")
    out.write_text(json.dumps({"origin": origin, "versions": versions}, indent=1) + "\n")


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
