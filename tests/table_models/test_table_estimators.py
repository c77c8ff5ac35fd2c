"""The table estimators: scikit-learn's own checks, frames of every kind, labels as they came."""

import pickle

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

import chainrule as cr

OF_FOLDS = "rows are divided into folds by their number, so that a row twice is not a weight of two"
EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": OF_FOLDS,
    "check_sample_weights_invariance": OF_FOLDS,
}


@parametrize_with_checks(
    [
        cr.TableClassifier("fast", epochs=8, random_state=0),
        cr.TableRegressor("fast", epochs=8, random_state=0),
    ],
    expected_failed_checks=lambda _: EXPECTED,
)
def test_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


DRAW = np.random.default_rng(0)
COLOR = DRAW.choice(np.array(["red", "green", None]), 200)
SIZE = DRAW.normal(size=200)
FRAME = pl.DataFrame({"color": COLOR.tolist(), "size": SIZE, "number": DRAW.integers(9, size=200)})
GOOD = (COLOR == "red") ^ (SIZE > 0)


@pytest.mark.parametrize("labels", [(False, True), ("no", "yes"), (3, 7)])
def test_labels_come_back_as_they_were(labels):
    y = np.array(labels)[GOOD.astype(int)]
    model = cr.TableClassifier("fast", epochs=40, random_state=1).fit(FRAME, y)
    assert model.predict(FRAME).dtype == y.dtype
    assert (model.predict(FRAME) == y).mean() > 0.85
    assert model.classes_.tolist() == list(labels)
    np.testing.assert_allclose(model.predict_proba(FRAME).sum(axis=1), 1.0)
    assert model.feature_names_in_.tolist() == ["color", "size", "number"]


@pytest.mark.peers
def test_frames_of_other_libraries_give_the_same_model():
    pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    model = cr.TableClassifier("fast", epochs=4, random_state=1)
    expected = clone(model).fit(FRAME, GOOD).predict_proba(FRAME)
    for frame in (FRAME.to_pandas(), FRAME.to_arrow()):
        np.testing.assert_array_equal(clone(model).fit(frame, GOOD).predict_proba(frame), expected)


def test_a_regressor_of_one_target_and_of_several():
    y = SIZE + 2.0 * (COLOR == "red")
    model = cr.TableRegressor("fast", epochs=60, random_state=0).fit(FRAME, y)
    assert model.score(FRAME, y) > 0.9
    spread = model.predict_std(FRAME)
    assert spread.shape == (200,)
    assert (spread > 0).all()
    both = cr.TableRegressor("fast", epochs=3, random_state=0).fit(FRAME, np.c_[y, -y])
    assert both.predict(FRAME).shape == both.predict_std(FRAME).shape == (200, 2)


def test_it_lives_inside_searches_and_pickles():
    model = cr.TableClassifier("fast", epochs=3, random_state=0)
    assert len(cross_val_score(model, FRAME.to_numpy()[:, 1:].astype(float), GOOD, cv=3)) == 3
    search = GridSearchCV(model, {"dropout": [0.0, 0.2]}, cv=2)
    search.fit(SIZE[:, None], GOOD)
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.predict(SIZE[:, None]), search.predict(SIZE[:, None]))


def test_weights_change_what_is_learned():
    y = np.where(np.arange(200) % 2, "a", "b")
    weights = np.where(y == "a", 9.0, 1.0)
    model = cr.TableClassifier("fast", epochs=60, random_state=0)
    shares = [clone(model).fit(FRAME, y, w).predict_proba(FRAME)[:, 0] for w in (None, weights)]
    assert shares[1].mean() > shares[0].mean() + 0.2


def test_columns_of_arrays_and_unknown_settings():
    with pytest.raises(ValueError, match="`preset` must be 'fast', 'default' or 'best', got 'x'"):
        cr.TableClassifier("x").fit(FRAME, GOOD)
    with pytest.raises(ValueError, match="at least two classes, got one class"):
        cr.TableClassifier().fit(FRAME, np.ones(200))
    cells = FRAME.to_numpy()  # of objects
    model = cr.TableClassifier("fast", epochs=3, random_state=0).fit(cells, GOOD)
    assert model.run_.model.preprocessor.feature_names[:3] == ("x0=green", "x0=red", "x0=(missing)")
