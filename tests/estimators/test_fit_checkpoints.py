"""Fits that are killed and resumed end with the bits of fits that were never interrupted."""

import signal
import subprocess
import sys
import time
import warnings
from contextlib import contextmanager

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import InputError
from chainrule.training.checkpoint_folder import CheckpointFolder

X = np.random.default_rng(0).normal(size=(90, 4))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
HELD = np.random.default_rng(1).normal(size=(20, 4))
HELD_Y = (HELD[:, 0] * HELD[:, 1] > 0).astype(int)

FITS = {
    "adam": {},
    "unshuffled": {"shuffle": False},
    "momentum": {"solver": "sgd", "learning_rate_init": 0.1},
    "inverse scaling": {"solver": "sgd", "learning_rate": "invscaling"},
    "adaptive": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "tol": 0.02,
        "learning_rate_init": 1,
    },
    "stops": {"tol": 0.01, "n_iter_no_change": 8},
    "scores": {"early_stopping": True, "n_iter_no_change": 4},
    "dropout and normalization": {"dropout": 0.2, "normalization": "batch"},
    "one epoch per file": {"checkpoint_every": 1},
}


class Killed(BaseException):
    """What ends a run here in place of a kill."""


def fitted(settings, folder=None, resume=False, kind=cr.MLPClassifier, **validation):
    settings = {"hidden_layer_sizes": (5,), "max_iter": 17, "random_state": 3} | settings
    every = settings.pop("checkpoint_every", 4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return kind(**settings).fit(
            X, Y, checkpoint=folder, checkpoint_every=every, resume=resume, **validation
        )


def same(one, other):
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(one, name), getattr(other, name), strict=True):
            assert a.tobytes() == b.tobytes()
    for name, array in one.other_parameters_.items():
        assert array.tobytes() == other.other_parameters_[name].tobytes()
    for name in (
        "loss_curve_", "validation_scores_", "validation_loss_curve_", "n_iter_", "t_", "loss_",
        "best_loss_", "best_validation_score_", "best_iteration_",
    ):  # fmt: skip
        assert getattr(one, name, None) == getattr(other, name, None), name


@contextmanager
def stopped_after(monkeypatch, writes):
    """End the next fit after so many checkpoints."""
    left, write = [writes], CheckpointFolder.write

    def writing(self, record, tensors):
        write(self, record, tensors)
        left[0] -= 1
        if left[0] == 0:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(CheckpointFolder, "write", writing)
        yield


@pytest.mark.parametrize("writes", [1, 2])
@pytest.mark.parametrize("name", FITS)
def test_a_resumed_fit_has_the_bits_of_one_that_was_not_interrupted(
    name, writes, tmp_path, monkeypatch
):
    whole = fitted(FITS[name])
    with stopped_after(monkeypatch, writes), pytest.raises(Killed):
        fitted(FITS[name], tmp_path)
    resumed = fitted(FITS[name], tmp_path, resume=True)
    same(resumed, whole)
    same(fitted(FITS[name], tmp_path, resume=True), whole)  # which had ended


@pytest.mark.parametrize("scores", [False, True])
def test_with_validation_data_and_regressors(scores, tmp_path, monkeypatch):
    settings = {"early_stopping": scores, "max_iter": 9}
    given = {"kind": cr.MLPRegressor, "X_val": HELD, "y_val": HELD_Y}
    whole = fitted(settings, **given)
    with stopped_after(monkeypatch, 1), pytest.raises(Killed):
        fitted(settings, tmp_path, **given)
    same(fitted(settings, tmp_path, resume=True, **given), whole)


def test_a_killed_process_is_resumed(tmp_path):
    program = (
        "import sys, warnings; import numpy as np; import chainrule as cr\n"
        "warnings.simplefilter('ignore')\n"
        "X = np.random.default_rng(0).normal(size=(4000, 30)); y = X[:, 0] > 0\n"
        "model = cr.MLPClassifier((60, 60), max_iter=40, random_state=1, tol=0)\n"
        "model.fit(X, y, checkpoint=sys.argv[1], resume=True)\n"
        "print(model.loss_curve_, [a.tobytes().hex()[:99] for a in model.coefs_])"
    )
    command = [sys.executable, "-c", program]
    whole = subprocess.run([*command, tmp_path / "a"], check=True, capture_output=True, text=True)
    running = subprocess.Popen([*command, tmp_path / "b"])
    written = tmp_path / "b" / "checkpoint.safetensors"
    while not written.exists() and running.poll() is None:
        time.sleep(0.01)
    time.sleep(0.05)
    running.send_signal(signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    again = subprocess.run([*command, tmp_path / "b"], check=True, capture_output=True, text=True)
    assert again.stdout == whole.stdout


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"max_iter": 18}, "max_iter '17', not '18'"),
        ({"alpha": 0.1}, "alpha '0.0001', not '0.1'"),
        ({"kind": cr.MLPRegressor}, "estimator 'MLPClassifier', not 'MLPRegressor'"),
        ({"X_val": HELD, "y_val": HELD_Y}, "other data"),
    ],
)
def test_a_checkpoint_of_another_fit_is_refused(changed, message, tmp_path):
    fitted({}, tmp_path)
    given = {name: value for name, value in changed.items() if name in ("kind", "X_val", "y_val")}
    settings = {name: value for name, value in changed.items() if name not in given}
    with pytest.raises(InputError, match=message):
        fitted(settings, tmp_path, resume=True, **given)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"random_state": None}, "`random_state` must be an integer with `checkpoint`"),
        ({"solver": "lbfgs"}, "`checkpoint` must be None with solver='lbfgs'"),
    ],
)
def test_fits_that_cannot_be_resumed_have_no_checkpoints(settings, message, tmp_path):
    with pytest.raises(InputError, match=message):
        fitted(settings, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_warm_start_and_a_resume_from_nowhere_are_refused(tmp_path):
    model = cr.MLPClassifier((3,), max_iter=2, random_state=0, warm_start=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, Y, checkpoint=tmp_path)
        with pytest.raises(InputError, match="None where a warm start continues"):
            model.fit(X, Y, checkpoint=tmp_path)
    with pytest.raises(InputError, match="`resume` must be False without `checkpoint`"):
        fitted({}, None, resume=True)
