"""Buffers are kept between calls, and never shared between threads."""

import threading

from edgecv.ops.letterbox.scratch import scratch


def test_a_thread_gets_its_buffer_again():
    assert scratch("a", (4, 5, 3)) is scratch("a", (4, 5, 3))
    assert scratch("a", (4, 5, 3)) is not scratch("b", (4, 5, 3))
    assert scratch("a", (6, 5, 3)).shape == (6, 5, 3)


def test_another_thread_gets_another_buffer():
    mine, theirs = scratch("a", (4, 5, 3)), []
    thread = threading.Thread(target=lambda: theirs.append(scratch("a", (4, 5, 3))))
    thread.start()
    thread.join()
    assert theirs[0] is not mine
