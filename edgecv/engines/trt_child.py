"""`python -m edgecv.engines.trt_child JOB.json`: one TensorRT build in a process of its own.

Reads a job, prints progress and log lines, writes `result.json` beside the job: either what was
built, or the error with the name of its class.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from edgecv.engines.trt_build import PlanBuilder
from edgecv.engines.trt_job import Job
from edgecv.errors import EdgecvError
from edgecv.files import read_json, write_json

RESULT = "result.json"


def main(arguments: list[str]) -> int:
    """Run the job named by the first argument; returns the exit code."""
    job_file = Path(arguments[0])
    data = read_json(job_file, "build job")
    data["batch"] = tuple(data["batch"])
    result: dict[str, Any]
    try:
        result = {"built": PlanBuilder(Job(**data), _say).build()}
    except EdgecvError as err:
        facts = {name: str(value) for name, value in err.facts.items()}
        kind = type(err).__name__
        result = {"error": {"kind": kind, "what": err.what, "fix": err.fix, "facts": facts}}
    write_json(job_file.with_name(RESULT), result)
    return 0


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)  # TensorRT's destructors at interpreter exit have crashed after a good build
