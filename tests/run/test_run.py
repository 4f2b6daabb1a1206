"""The verb, end to end on networks worked by hand: what is printed, written and returned."""

import json
import os
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from edgecv.cli.app import app
from edgecv.errors import IoFailed, MachineError, UsageError
from edgecv.run import run
from tests.run.test_sink import frames_of


@pytest.fixture(scope="module")
def bundle(tiny_bundle):
    return tiny_bundle("centernet")


@pytest.fixture
def picture(tmp_path, photo):
    file = tmp_path / "square.png"
    cv2.imwrite(str(file), photo)
    return file


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_picture_is_drawn_and_its_row_written(bundle, picture, photo, tmp_path):
    rows = []
    done = run(bundle, str(picture), save=tmp_path / "out", each=rows.append)
    assert done["frames"] == 1
    assert sorted(os.listdir(tmp_path / "out")) == ["results.jsonl", "square.png"]
    assert lines(tmp_path / "out" / "results.jsonl") == rows
    (row,) = rows
    assert row["source"] == str(picture)
    assert row["time_s"] is None
    assert sorted(row["ms"]) == ["engine", "post", "pre"]
    (box,) = row["result"]["boxes"]
    assert (box["name"], box["xyxy"]) == ("square", [20, 4, 52, 36])
    drawn = cv2.imread(str(tmp_path / "out" / "square.png"))
    assert drawn.shape == photo.shape
    assert (drawn[4, 22:50] != photo[4, 22:50]).any()


def test_a_video_becomes_a_video(bundle, write_video, tmp_path):
    done = run(bundle, str(write_video("clip.avi", 12)), save=tmp_path / "out")
    rows = lines(tmp_path / "out" / "results.jsonl")
    assert [row["frame"] for row in rows] == list(range(12))
    assert [row["time_s"] for row in rows[:2]] == pytest.approx([0, 0.1])
    assert frames_of(tmp_path / "out" / "clip.mp4") == 12
    assert done["files"] == [str(tmp_path / "out" / n) for n in ("results.jsonl", "clip.mp4")]
    assert sorted(os.listdir(tmp_path / "out")) == ["clip.mp4", "results.jsonl"]


def test_limit(bundle, write_video):
    assert run(bundle, str(write_video(frames=12)), limit=5)["frames"] == 5
    with pytest.raises(UsageError, match="--limit must be >= 0"):
        run(bundle, "x.jpg", limit=-1)


def test_same_names_do_not_overwrite_each_other(bundle, photo, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "x.png"), photo)
    run(bundle, f"{tmp_path}/[ab]/x.png", save=tmp_path / "out")
    assert sorted(os.listdir(tmp_path / "out")) == ["results.jsonl", "x-2.png", "x.png"]


def test_what_was_complete_is_kept_when_the_source_breaks(bundle, write_video, tmp_path):
    path = write_video("a.avi", 40)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(IoFailed, match="broke off"):
        run(bundle, str(path), save=tmp_path / "out")
    rows = lines(tmp_path / "out" / "results.jsonl")
    assert len(rows) > 5
    assert frames_of(tmp_path / "out" / "a.mp4") == len(rows)


def test_a_folder_that_cannot_be_written(bundle, picture, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(IoFailed, match="cannot write"):
        run(bundle, str(picture), save=tmp_path / "file" / "out")


def test_show_needs_a_window(bundle, picture, monkeypatch):
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: "  GUI:                    NONE\n")
    with pytest.raises(MachineError, match=r"(?s)GUI: NONE.*--save DIR"):
        run(bundle, str(picture), show=True)


def test_show_draws_and_q_ends(bundle, write_video, monkeypatch):
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: "  GUI:                    GTK3\n")
    shown = []
    monkeypatch.setattr(cv2, "imshow", lambda _, canvas: shown.append(canvas.shape))
    keys = iter([-1, -1, ord("q")])
    monkeypatch.setattr(cv2, "waitKey", lambda _: next(keys))
    assert run(bundle, str(write_video(frames=9)), show=True)["frames"] == 3
    assert shown == [(96, 128, 3)] * 3


def test_verb_prints_one_json_a_frame(bundle, write_video):
    done = CliRunner().invoke(app, ["run", str(bundle), str(write_video(frames=4)), "--json"])
    assert done.exit_code == 0
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["frame"] for row in rows] == [0, 1, 2, 3]


def test_verb_prints_words(bundle, picture, tiny_bundle):
    done = CliRunner().invoke(app, ["run", str(bundle), str(picture)])
    assert "square 1.00" in done.stdout
    done = CliRunner().invoke(app, ["run", str(tiny_bundle("classify")), str(picture)])
    assert "blue 1.00, red 0.00" in done.stdout


CASES = [
    pytest.param(["none.jpg"], 2, "source not found", id="missing"),
    pytest.param(["csi://0"], 3, "GStreamer", id="gstreamer"),
    pytest.param(["{picture}", "--show"], 3, "--save DIR", id="window"),
    pytest.param(["{broken}"], 2, "not an image, or a truncated one", id="broken"),
    pytest.param(["{folder}"], 5, "unread: 1 of 2", id="one-of-two"),
]


@pytest.mark.parametrize(("args", "code", "says"), CASES)
def test_verb_fails_clearly(bundle, picture, tmp_path, monkeypatch, args, code, says):
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: " GUI: NONE\n GStreamer: NO\n")
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"text")
    known = {"picture": picture, "broken": broken, "folder": tmp_path}
    done = CliRunner().invoke(app, ["run", str(bundle), *(arg.format(**known) for arg in args)])
    assert done.exit_code == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_verb_names_the_extra_where_opencv_is_missing(bundle, picture, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    done = CliRunner().invoke(app, ["run", str(bundle), str(picture)])
    assert done.exit_code == 3
    assert "edgecv[cpu]" in done.stderr


def test_verb_refuses_a_missing_bundle(tmp_path, picture):
    done = CliRunner().invoke(app, ["run", str(tmp_path / "none"), str(picture)])
    assert (done.exit_code, "bundle not found" in done.stderr) == (2, True)


@pytest.mark.skipif(os.name == "nt", reason="SIGINT to a child is POSIX")
def test_ctrl_c_closes_the_files(bundle, write_video, tmp_path, root):
    out = tmp_path / "out"
    video = write_video("long.avi", 3000)
    command = [sys.executable, "-m", "edgecv", "run", str(bundle), str(video), "--save", str(out)]
    child = subprocess.Popen(
        command,
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        # a shell's background job ignores SIGINT, and so would its children
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    results = out / "results.jsonl"
    deadline = time.monotonic() + 120  # only so that a hang ends; nothing is judged by time
    while time.monotonic() < deadline and not (results.exists() and results.stat().st_size > 5000):
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    _, told = child.communicate(timeout=120)
    assert child.returncode == 130
    assert b"Traceback" not in told
    rows = lines(results)
    stored = frames_of(out / "long.mp4")
    assert 10 < len(rows) < 3000
    assert len(rows) <= stored <= len(rows) + 1  # interrupted between the picture and its line
    assert sorted(os.listdir(out)) == ["long.mp4", "results.jsonl"]


def test_drawing_leaves_the_frame_alone(bundle, photo):
    import edgecv

    before = photo.copy()
    with edgecv.load(bundle) as model:
        assert not np.array_equal(model(photo).draw(photo), photo)
    assert np.array_equal(photo, before)
