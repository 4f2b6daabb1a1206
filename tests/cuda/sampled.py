"""A pytest plugin (`-p tests.cuda.sampled`): of each file only a few tests on the emulated device.

For runs that make every kernel slower, as AddressSanitizer does. EDGECV_SAMPLE: how many a file.
"""

import os
from collections import Counter


def pytest_collection_modifyitems(config, items):
    """Keep tests with a session in forward order, the first of different functions."""
    limit, seen, taken, kept = int(os.environ.get("EDGECV_SAMPLE", "3")), set(), Counter(), []
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        function = (item.path, item.originalname)
        if parameters.get("session") != "forward" or function in seen or taken[item.path] >= limit:
            continue
        seen.add(function)
        taken[item.path] += 1
        kept.append(item)
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept
