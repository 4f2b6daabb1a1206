"""YAML that surprises or attacks is refused before anything is built of it."""

import pytest

from edgecv.errors import RecipeError
from edgecv.plain_yaml import override, read_mapping


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "recipe.yaml"
        path.write_text(text)
        return path

    return write


def test_yaml_is_1_2(write):
    assert read_mapping(write("a: 1e-4\nb: [no, on, y]\nc: 012\n")) == {
        "a": 0.0001,
        "b": ["no", "on", "y"],
        "c": 12,
    }


HOSTILE = [
    pytest.param("a: &a [x]\nb: [*a, *a]", r"uses a YAML alias.*\n  line: 2", id="alias-bomb"),
    pytest.param("a: !!python/object/apply:os.system [x]", r"uses a YAML tag", id="python-tag"),
    pytest.param("a: !mine x", r"uses a YAML tag", id="own-tag"),
    pytest.param("%YAML 1.1\n---\na: no", "uses a YAML directive", id="yaml-1.1"),
    pytest.param("a: " + "[" * 200_000, "is nested too deeply", id="deep-flow"),
    pytest.param("- " * 100_000, "is nested too deeply", id="deep-block"),
    pytest.param("{a: " * 50_000, "is nested too deeply", id="deep-mapping"),
    pytest.param("a: [1", "is not plain YAML 1.2", id="truncated"),
    pytest.param("a: 1\na: 2", "duplicate key", id="duplicate-key"),
    pytest.param("a: " + "9" * 5000, "is not plain YAML 1.2", id="huge-integer"),
    pytest.param("a: 1\n---\nb: 2", "is not plain YAML 1.2", id="two-documents"),
    pytest.param("- a", "must be a mapping", id="list"),
    pytest.param("# nothing", "must be a mapping", id="comment"),
]


@pytest.mark.parametrize(("text", "message"), HOSTILE)
def test_hostile_yaml_is_refused(write, text, message):
    with pytest.raises(RecipeError, match=message):
        read_mapping(write(text))


def test_override_adds_sections_on_its_way():
    data = {"a": None}
    override(data, "a.b.c=[1, two]")
    override(data, "d=")
    assert data == {"a": {"b": {"c": [1, "two"]}}, "d": ""}


OVERRIDES = [
    pytest.param("train.steps", "must be section.key=value", id="no-value"),
    pytest.param("=3", "must be section.key=value", id="no-key"),
    pytest.param("train..steps=3", "must be section.key=value", id="empty-part"),
    pytest.param("task.x=3", "task is not a section", id="not-a-section"),
    pytest.param("train.steps=[1", "not YAML", id="not-yaml"),
    pytest.param("train.steps=!!python/name:os x", "uses a YAML tag", id="tag"),
    pytest.param("train.steps=" + "[" * 9999, "nested too deeply", id="deep"),
]


@pytest.mark.parametrize(("item", "message"), OVERRIDES)
def test_broken_override_is_refused(item, message):
    with pytest.raises(RecipeError, match=message):
        override({"task": "classify", "train": {}}, item)
