"""Errors carry the rule, the facts and the fix; each has its exit code and its builtin."""

import pytest

from edgecv import errors
from edgecv.errors import EdgecvError, MissingPackage, UnknownName

CASES = [
    pytest.param(errors.EdgecvError, 1, Exception, id="bug"),
    pytest.param(errors.UsageError, 2, ValueError, id="usage"),
    pytest.param(errors.RecipeError, 2, ValueError, id="recipe"),
    pytest.param(errors.FileError, 2, ValueError, id="file"),
    pytest.param(errors.StaleError, 2, ValueError, id="stale"),
    pytest.param(errors.ShapeError, 2, ValueError, id="shape"),
    pytest.param(errors.UnsupportedModel, 2, ValueError, id="unsupported"),
    pytest.param(errors.MachineError, 3, RuntimeError, id="machine"),
    pytest.param(errors.EngineMismatch, 3, RuntimeError, id="engine"),
    pytest.param(errors.GateFailed, 4, RuntimeError, id="gate"),
    pytest.param(errors.IoFailed, 5, OSError, id="io"),
]


@pytest.mark.parametrize(("kind", "code", "builtin"), CASES)
def test_every_error_has_its_exit_code_and_the_builtin_a_caller_expects(kind, code, builtin):
    err = kind("the rule", size_mib=3, fix="do this")
    assert (kind.exit_code, isinstance(err, builtin)) == (code, True)
    assert str(err) == "the rule\n  size mib: 3\n  fix: do this"


def test_every_class_of_the_tree_is_in_the_table():
    named = {case.values[0] for case in CASES} | {UnknownName, MissingPackage}
    tree = {v for v in vars(errors).values() if isinstance(v, type) and issubclass(v, EdgecvError)}
    assert tree == named


def test_unknown_name_gives_the_nearest_right_ones():
    err = UnknownName("architecture", "resnet81", ["resnet18", "vgg16", "resnet101"])
    assert (err.exit_code, err.facts["nearest"].split(", ")[0]) == (2, "resnet18")


def test_unknown_name_far_from_all_lists_what_is_known():
    err = UnknownName("backend", "zzz", ["b", "a"])
    assert "known: a, b" in str(err)


def test_missing_package_names_the_extra():
    err = MissingPackage("openvino", "cpu", needed_for="this bundle")
    assert isinstance(err, ImportError)
    assert "pip install 'edgecv[cpu]'" in str(err)
