"""A job survives its way through JSON to the child."""

import json
from dataclasses import fields

from edgecv.engines.trt_job import Job


def test_nothing_is_lost_on_the_way():
    job = Job("tensorrt", "m", "s", "p", {"targets": ["sm87"]}, (1, 2, 4), "cache", 1 << 20)
    data = json.loads(json.dumps(job.to_dict()))
    data["batch"] = tuple(data["batch"])  # JSON has no tuples; trt_child says so too
    assert Job(**data) == job
    assert list(data) == [field.name for field in fields(Job)]


def test_without_a_cache_and_a_limit_the_builder_decides():
    job = Job("tensorrt-rtx", "m", "", "p", {}, (1, 1, 1))
    assert (job.timing_cache, job.workspace_bytes) == ("", 0)
