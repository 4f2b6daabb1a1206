"""Asking for devices never fails: without a driver there are none."""

import ctypes

import pytest

from edgecv.cuda import driver


class FakeDriver:
    memory_fails = 0

    def __init__(self, ready=0, names=("NVIDIA Orin",)):
        self.ready, self.names = ready, names

    def cuInit(self, flags):
        return self.ready

    def cuDeviceGetCount(self, count):
        count._obj.value = len(self.names)
        return 0

    def cuDeviceGet(self, handle, ordinal):
        handle._obj.value = ordinal
        return 0

    def cuDeviceGetName(self, buffer, size, handle):
        buffer.value = self.names[handle.value].encode()
        return 0

    def cuDeviceGetAttribute(self, value, attribute, handle):
        value._obj.value = {75: 8, 76: 7, 18: 1}[attribute]
        return 0

    def cuDevicePrimaryCtxRetain(self, context, handle):
        self.retained = getattr(self, "retained", 0) + 1
        return 0

    def cuCtxPushCurrent_v2(self, context):
        return 0

    def cuMemGetInfo_v2(self, free, total):
        free._obj.value = 5 << 30
        return self.memory_fails

    def cuCtxPopCurrent_v2(self, context):
        return 0

    def cuDevicePrimaryCtxRelease_v2(self, handle):
        self.retained -= 1
        return 0


def test_without_a_driver_there_are_no_devices(monkeypatch):
    def refuse(name):
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    assert driver.device_count() == 0
    assert driver.devices() == ()


@pytest.mark.parametrize(("ready", "count"), [(0, 2), (100, 0)], ids=["ready", "no-device"])
def test_devices_are_what_the_driver_says(monkeypatch, ready, count):
    fake = FakeDriver(ready, ("NVIDIA Orin", "other"))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: fake)
    found = driver.devices()
    assert len(found) == count
    if count:
        assert found[0] == driver.Device("NVIDIA Orin", "sm87", integrated=True)


@pytest.mark.parametrize(("fails", "free"), [(0, 5 << 30), (201, 0)], ids=["works", "fails"])
def test_free_memory_is_asked_without_keeping_the_context(monkeypatch, fails, free):
    fake = FakeDriver()
    fake.memory_fails = fails
    monkeypatch.setattr(ctypes, "CDLL", lambda name: fake)
    assert driver.free_bytes() == free
    assert fake.retained == 0
