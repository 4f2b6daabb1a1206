"""Every verb that takes a bundle, with every bundle that is none."""

import shutil

import pytest

VERBS = {
    "run": ("run", "{}", "picture.png"),
    "evaluate": ("evaluate", "{}"),
    "bench": ("bench", "{}", "--frames", "1"),
    "inspect": ("inspect", "{}"),
    "doctor": ("doctor", "{}"),
    "compare": ("compare", "{}", "{}"),
    "report": ("report", "{}"),
    "build": ("build", "{}"),
}


def missing(world):
    return world.folder / "nowhere"


def no_manifest(world):
    folder = world.bundle()
    (folder / "manifest.json").unlink()
    return folder


def empty_manifest(world):
    folder = world.bundle()
    (folder / "manifest.json").write_text("")
    return folder


def truncated_manifest(world):
    folder = world.bundle()
    path = folder / "manifest.json"
    path.write_text(path.read_text()[:200])
    return folder


def no_json(world):
    folder = world.bundle()
    (folder / "manifest.json").write_bytes(b"\x80\x04\x95\x00")
    return folder


def points_outside(world):
    world.file("secret", "secret")
    return world.manifest(engine="../secret", files={"../secret": "0" * 64})


def points_outside_by_link(world):
    secret = world.file("secret", "secret")
    folder = world.bundle()
    (folder / "engine.onnx").unlink(missing_ok=True)
    (folder / "link.onnx").symlink_to(secret)
    shutil.rmtree(folder)
    folder = world.manifest(engine="link.onnx", files={"link.onnx": "0" * 64})
    (folder / "link.onnx").symlink_to(secret)
    return folder


def changed_engine(world):
    folder = world.bundle()
    engine = folder / "model.onnx"
    data = bytearray(engine.read_bytes())
    data[len(data) // 2] ^= 1
    engine.write_bytes(bytes(data))
    return folder


def missing_file(world):
    folder = world.bundle()
    (folder / "golden.npz").unlink()
    return folder


def newer(world):
    return world.manifest(schema_version=99, novelty=True)


def unknown_head(world):
    return world.manifest(head={"kind": "clasify"})


def a_file(world):
    return world.file("bundle", "x")


BUNDLES = [
    pytest.param(missing, "not found", id="missing"),
    pytest.param(no_manifest, "manifest", id="no-manifest"),
    pytest.param(empty_manifest, "manifest is empty", id="empty-manifest"),
    pytest.param(truncated_manifest, "not valid JSON", id="truncated-manifest"),
    pytest.param(no_json, "not a text file", id="binary-manifest"),
    pytest.param(points_outside, "points outside its folder", id="points-outside"),
    pytest.param(points_outside_by_link, "points outside its folder", id="link-outside"),
    pytest.param(changed_engine, "changed after it was built", id="changed-engine"),
    pytest.param(missing_file, "lacks a file", id="missing-file"),
    pytest.param(newer, "newer edgecv", id="newer-schema"),
    pytest.param(unknown_head, "does not fit its schema", id="unknown-head"),
    pytest.param(a_file, "", id="a-file"),
]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(("make", "message"), BUNDLES)
def test_bundle_that_is_none_is_refused_by_every_verb(world, verb, make, message):
    folder = make(world)
    world.image()
    outcome = world.run(*(part.format(folder) for part in VERBS[verb]))
    if make is missing and verb in ("build", "compare"):  # these also take a recipe's name
        message = "unknown recipe"
    assert outcome.code == 2, outcome.text
    assert message in outcome.text
    assert outcome.left == []


LATER = [
    pytest.param("accuracy.json", b'{"value": ', id="truncated-accuracy"),
    pytest.param("latency.json", b"[]", id="latency-of-another-form"),
]


@pytest.mark.parametrize("verb", ["inspect", "report"])
@pytest.mark.parametrize(("name", "content"), LATER)
def test_broken_record_is_no_traceback(world, verb, name, content):
    folder = world.bundle()
    (folder / name).write_bytes(content)
    assert world.run(verb, folder).code in (0, 2)


def test_golden_sample_that_is_a_pickle_is_not_executed(world):
    import pickle

    from edgecv.bundle import open_bundle, seal

    class Touch:
        def __reduce__(self):
            return open, (str(world.folder / "hacked"), "w")

    folder = world.bundle()
    (folder / "golden.npz").write_bytes(pickle.dumps(Touch()))
    seal(folder, open_bundle(folder, check_digests=False).manifest)
    outcome = world.run("doctor", folder)
    assert outcome.code in (2, 3, 4), outcome.text
    assert outcome.left == []


OUT = [
    pytest.param("file", "a file is in the place", id="a-file"),
    pytest.param("thesis", "was not written by edgecv", id="a-folder-of-the-users"),
    pytest.param(".", "", id="the-working-folder"),
]


@pytest.mark.parametrize(("out", "message"), OUT)
def test_build_never_replaces_what_is_not_a_bundle(world, out, message):
    world.file("file", "mine")
    world.file("thesis/chapter.tex", "mine")
    bundle = world.bundle()
    outcome = world.run("build", bundle, "--out", out)
    assert outcome.code == 2, outcome.text
    assert message in outcome.text
    assert (world.folder / "thesis" / "chapter.tex").read_text() == "mine"
    assert (world.folder / "file").read_text() == "mine"
