import json

import pytest

from edgecv.data.coco_file import read_coco
from edgecv.errors import FileError


def content():
    return {
        "images": [
            {"id": 7, "file_name": "one.png", "width": 20, "height": 10},
            {"id": 3, "file_name": "sub/two.png", "width": 20, "height": 10},
        ],
        "categories": [{"id": 90, "name": "dog"}, {"id": 2, "name": "cat"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 90, "bbox": [1, 2, 3.5, 4]},
            {"id": 2, "image_id": 7, "category_id": 2, "bbox": [15, 5, 50, 50], "iscrowd": 1},
            {"id": 3, "image_id": 7, "category_id": 2, "bbox": [4, 4, 0, 3]},
            {"id": 4, "image_id": 7, "category_id": 2, "bbox": [30, 1, 5, 5]},
        ],
    }


def test_pictures_and_objects_are_read(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(content()))
    said = read_coco(tmp_path / "a.json")
    assert (said.names, said.skipped) == (("cat", "dog"), 2)
    one, two = said.entries
    assert (one.file, one.height, one.width) == ("one.png", 10, 20)
    assert one.boxes.tolist() == [[1, 2, 4.5, 6], [15, 5, 20, 10]]
    assert (one.ids.tolist(), one.crowd.tolist()) == ([1, 0], [False, True])
    assert two.boxes.shape == (0, 4)


def change(*path, value):
    """A copy of the content with one value changed; value None removes the key."""
    said = content()
    place = said
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return said


REFUSED = [
    pytest.param([], "lacks a list", id="a-list"),
    pytest.param(change("images", value=None), "lacks a list", id="no-images"),
    pytest.param(change("annotations", value=[3]), "lacks a list", id="annotation-is-number"),
    pytest.param(change("categories", value=[]), "has no categories", id="no-categories"),
    pytest.param(change("categories", 0, "id", value=2), "category id appears twice", id="cat-id"),
    pytest.param(change("categories", 0, "name", value=5), "integer id and a name", id="cat-name"),
    pytest.param(change("images", 0, "id", value=3), "image id appears twice", id="image-id"),
    pytest.param(change("images", 0, "file_name", value="sub/two.png"), "appears twice", id="file"),
    pytest.param(change("images", 0, "width", value=None), "needs height and width", id="no-width"),
    pytest.param(change("images", 0, "width", value=0), "needs height and width", id="zero-width"),
    pytest.param(
        change("images", 0, "file_name", value="../out.png"), "leaves the picture folder", id="up"
    ),
    pytest.param(
        change("images", 0, "file_name", value="/etc/x"), "leaves the picture folder", id="absolute"
    ),
    pytest.param(
        change("images", 0, "file_name", value="a\\..\\b"), "leaves the picture", id="backslash"
    ),
    pytest.param(
        change("images", 0, "file_name", value="C:x.png"), "leaves the picture folder", id="drive"
    ),
    pytest.param(
        change("images", 0, "file_name", value="a\0b"), "leaves the picture folder", id="nul"
    ),
    pytest.param(
        change("annotations", 0, "category_id", value=5), "unknown category_id", id="category"
    ),
    pytest.param(change("annotations", 0, "image_id", value=5), "unknown image_id", id="image"),
    pytest.param(change("annotations", 0, "image_id", value=[1]), "unknown image_id", id="list-id"),
    pytest.param(change("annotations", 0, "bbox", value=None), "four finite numbers", id="no-bbox"),
    pytest.param(
        change("annotations", 0, "bbox", value=[1, 2, 3]), "four finite numbers", id="three"
    ),
    pytest.param(
        change("annotations", 0, "bbox", value=[1, 2, 3, float("nan")]), "not valid JSON", id="nan"
    ),
    pytest.param(
        change("annotations", 0, "bbox", value=[1, 2, 3, "4"]), "finite numbers", id="text"
    ),
]


def test_a_colon_in_a_name_is_fine(tmp_path):
    said = change("images", 0, "file_name", value="cam1/12:30:05.png")
    (tmp_path / "a.json").write_text(json.dumps(said))
    assert read_coco(tmp_path / "a.json").entries[0].file == "cam1/12:30:05.png"


@pytest.mark.parametrize(("said", "match"), REFUSED)
def test_a_broken_file_is_refused(tmp_path, said, match):
    (tmp_path / "a.json").write_text(json.dumps(said))
    with pytest.raises(FileError, match=match):
        read_coco(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        pytest.param("", "is empty", id="empty"),
        pytest.param('{"images": [', "not valid JSON", id="truncated"),
        pytest.param("[" * 100_000, "nested too deeply|not valid JSON", id="nested"),
    ],
)
def test_text_that_is_not_json_is_refused(tmp_path, text, match):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(FileError, match=match):
        read_coco(tmp_path / "a.json")
