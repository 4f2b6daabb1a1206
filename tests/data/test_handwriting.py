import numpy as np

from edgecv.data import handwriting


def test_digits_are_scikit_learns():
    from sklearn.datasets import load_digits

    images, classes = handwriting.digits()
    assert np.array_equal(images, load_digits().images)
    assert np.array_equal(classes, load_digits().target)


def test_every_fifth_of_each_class_is_held_out():
    train, val = handwriting.split("train"), handwriting.split("val")
    classes = handwriting.digits()[1]
    assert sorted([*train, *val]) == list(range(1797))
    for digit in range(10):
        of_class = np.flatnonzero(classes == digit)
        assert np.array_equal(val[classes[val] == digit], of_class[4::5])


def test_bounds_hold_the_ink():
    for glyph, (x0, y0, x1, y1) in zip(
        handwriting.glyphs()[::97], handwriting.glyph_bounds()[::97].astype(int), strict=True
    ):
        ys, xs = np.nonzero(glyph >= 128)
        assert (x0, y0, x1, y1) == (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)


def test_glyph_ink_stays_inside_its_border():
    glyphs = handwriting.glyphs()
    edge = handwriting.BORDER
    inner = glyphs[:, edge:-edge, edge:-edge]
    assert glyphs.sum() == inner.sum()
    assert ((glyphs >= 128).sum((1, 2)) > 100).all()
