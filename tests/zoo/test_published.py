"""Downloads, on files the test makes and a server on loopback."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import torch

from edgecv.errors import FileError, IoFailed, UnknownName
from edgecv.zoo import published
from edgecv.zoo.published import PUBLISHED, Published, published_weights
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
            monkeypatch.setitem(PUBLISHED, name, Published(f"{root}/{name}.pth", sha256))
        for name in ("gone", "short"):
            monkeypatch.setitem(PUBLISHED, name, Published(f"{root}/{name}.pth", digest[:8]))
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
    monkeypatch.setitem(PUBLISHED, "x", Published("http://127.0.0.1:9/x.pth", "00"))
    with pytest.raises(IoFailed, match="cannot download published weights"):
        published_weights("x", tmp_path)


def test_unknown_name_lists_the_nearest(tmp_path):
    with pytest.raises(UnknownName, match=r"nearest: .*resnet18"):
        published_weights("resnet_18", tmp_path)


def test_what_is_downloaded_loads(tmp_path, monkeypatch):
    weights = tmp_path / "source.pth"
    torch.save(create("resnet_tiny").state_dict(), weights)
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    monkeypatch.setitem(PUBLISHED, "resnet_tiny", Published(weights.as_uri(), digest))
    load_weights(create("resnet_tiny"), published_weights("resnet_tiny", tmp_path / "cache"))


def test_every_published_name_is_a_variant_and_its_hash_stands_in_the_address():
    assert set(published.PUBLISHED) <= set(variants())
    for name, row in published.PUBLISHED.items():
        assert row.url.startswith("https://")
        assert row.url.endswith(f"{name}-{row.sha256}.pth")
