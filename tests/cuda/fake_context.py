"""Devices and primary contexts as pycuda has them, with two stacks: pycuda's and the driver's."""


class Device:
    """pycuda's Device."""

    def __init__(self, driver, ordinal):
        self._driver, self._ordinal = driver, ordinal

    def name(self):
        return "fake"

    def compute_capability(self):
        return self._driver.capability

    def get_attribute(self, attribute):
        return {"INTEGRATED": int(self._driver.integrated)}[attribute]

    def retain_primary_context(self):
        self._driver.retained += 1
        return Context(self._driver)


class Context:
    """pycuda's Context of a device's primary context."""

    def __init__(self, driver):
        self._driver, self._valid = driver, True

    @property
    def handle(self):
        return 0xC0 + 0x1000

    def push(self):
        stacks = self._driver.stacks
        if stacks.mine():
            stacks.theirs().pop()
        stacks.mine().append(self)
        stacks.theirs().append(self.handle)
        self._driver.log.append(("push",))

    def pop(self):
        stacks = self._driver.stacks
        if not stacks.mine():
            raise self._driver.LogicError("context::pop failed: cannot pop non-current context")
        stacks.mine().pop()
        stacks.theirs().pop()
        if stacks.mine():
            stacks.theirs().append(stacks.mine()[-1].handle)
        self._driver.log.append(("pop",))

    def detach(self):
        """Releases the primary context; that it stays on the driver's stack is pycuda's way."""
        if not self._valid:
            raise self._driver.LogicError("cannot detach from invalid context")
        stacks, self._valid = self._driver.stacks, False
        if stacks.mine() and stacks.mine()[-1] is self:
            stacks.mine().pop()
            if stacks.mine():
                stacks.theirs().append(stacks.mine()[-1].handle)
        else:
            stacks.theirs().append(self.handle)
        self._driver.retained -= 1
        self._driver.log.append(("detach",))

    def synchronize(self):
        self._driver._entered("synchronize_all", blocking=True)
        self._driver.streams.drain()


class Stacks:
    """The stacks of contexts of every thread."""

    def __init__(self, thread):
        self._thread, self._mine, self._theirs = thread, {}, {}

    def mine(self):
        """pycuda's stack in this thread."""
        return self._mine.setdefault(self._thread(), [])

    def theirs(self):
        """The driver's stack in this thread."""
        return self._theirs.setdefault(self._thread(), [])

    def depth(self):
        """How many contexts are pushed for pycuda, over all threads."""
        return sum(map(len, self._mine.values()))

    def stray(self):
        """How many are current for the driver, over all threads."""
        return sum(map(len, self._theirs.values()))
