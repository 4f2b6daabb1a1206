"""In every test here: a decoder loads no kernel file that its module's `SOURCES` does not name.

A bundle carries the cubins of `SOURCES`; any other file would need a compiler on the device.
"""

from importlib import import_module

import pytest

from edgecv.cuda.cubins import PACKAGE

ROOM = PACKAGE / "runtime" / "cuda_heads"
HEADS = [path.stem for path in sorted(ROOM.glob("*.py")) if path.stem != "__init__"]


def _watched(module):
    construct = module.Decoder.__init__

    def watch(self, session, *arguments, **options):
        loaded = getattr(session._driver, "loaded", [])  # a real driver does not tell
        loaded.clear()
        session._modules.clear()
        construct(self, session, *arguments, **options)
        strange = {path.name for path in loaded} - {path.name for path in module.SOURCES}
        assert not strange, f"not in SOURCES: {strange}"

    return watch


@pytest.fixture(autouse=True)
def _sources_are_complete(monkeypatch):
    for name in HEADS:
        module = import_module(f"edgecv.runtime.cuda_heads.{name}")
        if hasattr(module, "Decoder") and hasattr(module, "SOURCES"):
            monkeypatch.setattr(module.Decoder, "__init__", _watched(module))
