"""Downloads, on files the test makes and a server on loopback."""

import hashlib
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import torch

from edgecv.errors import FileError, IoFailed, UnknownName, UsageError
from edgecv.zoo import published
from edgecv.zoo.published import BY_HAND, PUBLISHED, V1, Published, published_weights, weight_file
from edgecv.zoo.registry import create, variants
from edgecv.zoo.weights import load_weights

CONTENT = b"weights" * 1000


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked += 1
        if self.path == "/gone.pth":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[: len(CONTENT) // 2] if "short" in self.path else CONTENT)

    def log_message(self, *_args):
        pass


@pytest.fixture
def server(monkeypatch):
    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        http.asked = 0
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        root = f"http://127.0.0.1:{http.server_port}"
        digest = hashlib.sha256(CONTENT).hexdigest()
        for name, sha256 in (("good", digest[:8]), ("other", "00000000")):
            monkeypatch.setitem(PUBLISHED, name, {V1: Published(f"{root}/{name}.pth", sha256)})
        for name in ("gone", "short"):
            monkeypatch.setitem(PUBLISHED, name, {V1: Published(f"{root}/{name}.pth", digest[:8])})
        yield http
        http.shutdown()
        thread.join()


def test_a_download_is_checked_kept_and_asked_for_once(tmp_path, server):
    path = published_weights("good", tmp_path)
    assert path.read_bytes() == CONTENT
    assert published_weights("good", tmp_path) == path
    assert server.asked == 1


def test_a_damaged_cache_is_fetched_again(tmp_path, server):
    published_weights("good", tmp_path).write_bytes(b"damaged")
    assert published_weights("good", tmp_path).read_bytes() == CONTENT
    assert server.asked == 2


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        pytest.param("other", FileError, "not the published file", id="other-content"),
        pytest.param("gone", IoFailed, "cannot download published weights", id="http-404"),
        pytest.param("short", IoFailed, "broke off", id="short"),
    ],
)
def test_a_bad_download_keeps_nothing(tmp_path, server, name, error, message):
    with pytest.raises(error, match=message):
        published_weights(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_network_is_one_clear_error(tmp_path, monkeypatch):
    monkeypatch.setitem(PUBLISHED, "x", {V1: Published("http://127.0.0.1:9/x.pth", "00")})
    with pytest.raises(IoFailed, match="cannot download published weights"):
        published_weights("x", tmp_path)


def test_unknown_name_lists_the_nearest(tmp_path):
    with pytest.raises(UnknownName, match=r"nearest: .*resnet18"):
        published_weights("resnet_18", tmp_path)


def test_what_is_downloaded_loads(tmp_path, monkeypatch):
    weights = tmp_path / "source.pth"
    source = create("resnet_tiny").state_dict()
    torch.save(source, weights)
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    monkeypatch.setitem(PUBLISHED, "resnet_tiny", {V1: Published(weights.as_uri(), digest)})
    network = create("resnet_tiny")
    load_weights(network, published_weights("resnet_tiny", tmp_path / "cache"))
    assert all(torch.equal(value, source[key]) for key, value in network.state_dict().items())


def test_every_published_name_is_a_variant_and_its_hash_stands_in_the_address():
    assert set(published.PUBLISHED) | set(BY_HAND) <= set(variants())
    for tags in published.PUBLISHED.values():
        for tag, row in tags.items():
            assert tag.partition(":")[0] in ("torchvision", "timm")
            assert row.url.startswith("https://")
            assert row.url.endswith(f"-{row.sha256}.pth")


def test_weights_by_tag_path_and_address(tmp_path, server):
    root = f"http://127.0.0.1:{server.server_port}"
    digest = hashlib.sha256(CONTENT).hexdigest()
    assert weight_file("good", V1, tmp_path).read_bytes() == CONTENT
    assert weight_file("good", "some/file.pth") == Path("some/file.pth")
    by_fragment = weight_file("x", f"{root}/mine.pth#sha256={digest}", tmp_path)
    by_name = weight_file("x", f"{root}/mine-{digest[:8]}.pth", tmp_path)
    assert by_fragment.read_bytes() == by_name.read_bytes() == CONTENT
    assert (by_fragment.name, by_name.name) == ("mine.pth", f"mine-{digest[:8]}.pth")


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        pytest.param("https://x.org/a.pth", UsageError, "names no digest", id="no-digest"),
        pytest.param("http://x.org/a-00112233.pth", UsageError, "https only", id="http"),
        pytest.param("ftp://x.org/a-00112233.pth", UsageError, "https only", id="ftp"),
        pytest.param("https://x.org/a b-00112233.pth", UsageError, "can be fetched", id="space"),
        pytest.param("https://x.org/é-00112233.pth", UsageError, "can be fetched", id="letter"),
        pytest.param("https://x.org:99999/a-00112233.pth", UsageError, "can be fetched", id="port"),
        pytest.param("https://x.org/#sha256=00112233", UsageError, "can be fetched", id="no-file"),
        pytest.param("https://x.org/..#sha256=00112233", UsageError, "can be fetched", id="dots"),
        pytest.param("https:///a-00112233.pth", UsageError, "can be fetched", id="no-host"),
        pytest.param("torchvison:V1", UsageError, r"fix: torchvision:V1, timm:V1", id="publisher"),
        pytest.param("torchvision:IMAGENET1K_V9", UnknownName, "IMAGENET1K_V1", id="tag"),
    ],
)
def test_an_address_or_tag_that_cannot_be_checked_is_refused(tmp_path, text, error, message):
    with pytest.raises(error, match=message):
        weight_file("resnet50", text, tmp_path)


def test_what_a_killed_download_left_is_removed_after_an_hour(tmp_path, server):
    old, new = (tmp_path / f".good.{name}.tmp.pth" for name in ("old", "new"))
    for left in (old, new):
        left.write_bytes(b"half")
    os.utime(old, (0, 0))
    published_weights("good", tmp_path)
    assert (old.exists(), new.exists()) == (False, True)  # the new one may be another process's


def test_weights_without_a_published_digest_say_where_to_fetch_them(tmp_path):
    with pytest.raises(UsageError, match=r"inception_v4 are pub[\s\S]*huggingface.co/timm/inc"):
        weight_file("inception_v4", "timm:tf_in1k", tmp_path)
