"""Models that Keras wrote, read without it, predict what Keras does."""

import io
import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import InputError, ModelFileError

pytestmark = [
    pytest.mark.peers("keras", "h5py", "torch"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of Keras with PyTorch under NumPy 2
]


class _Layers:
    """Keras's layers, imported when the first is made."""

    def __getattr__(self, name):
        os.environ.setdefault("KERAS_BACKEND", "torch")
        import keras

        return getattr(keras.layers, name)


layers = _Layers()

X = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32) * 2


def saved(path, *chain, fit=False):
    inputs = layers.Input((3,))  # sets the backend before Keras is imported
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential([inputs, *(layer() for layer in chain)])
    if fit:  # so that running statistics, scales and shifts are not those of a new model
        model.compile(loss="mse", optimizer=keras.optimizers.Adam(0.1))
        model.fit(X, np.zeros((60, model.output_shape[1])), epochs=3, verbose=0)
    model.save(path)
    return model


MODELS = {
    "dense": (
        lambda: layers.Dense(5, activation="relu"),
        lambda: layers.Dense(4, activation="tanh", use_bias=False),
        lambda: layers.Dense(2),
    ),
    "classes": (
        lambda: layers.Dense(5, activation="gelu"),
        lambda: layers.Dense(3, activation="softmax"),
    ),
    "normalized": (
        lambda: layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[1.0, 4.0, 0.0]),
        lambda: layers.Dense(5),
        lambda: layers.BatchNormalization(),
        lambda: layers.LeakyReLU(),
        lambda: layers.LayerNormalization(),
        lambda: layers.PReLU(),
        lambda: layers.Dropout(0.2),
        lambda: layers.BatchNormalization(scale=False),
        lambda: layers.BatchNormalization(center=False, scale=False),
        lambda: layers.LayerNormalization(center=False),
        lambda: layers.GaussianNoise(0.1),
        lambda: layers.Dense(1),
    ),
    "activations as layers": (
        lambda: layers.Flatten(),
        lambda: layers.Dense(20, activation=layers.ReLU(max_value=1.5)),
        lambda: layers.Activation("mish"),
        lambda: layers.Dense(20),
        lambda: layers.ELU(0.3),
        lambda: layers.ReLU(negative_slope=0.1),
        lambda: layers.Dense(2),
        lambda: layers.Softmax(),
    ),
}  # fmt: skip
NAMES = [
    "linear", "relu", "sigmoid", "tanh", "elu", "selu", "gelu", "silu", "mish", "softplus",
    "softsign", "exponential", "hard_sigmoid", "leaky_relu", "relu6",
]  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_a_model_read_predicts_the_same(name, tmp_path):
    model = saved(tmp_path / "model.keras", *MODELS[name], fit=True)
    result = cr.from_keras(tmp_path / "model.keras")
    np.testing.assert_allclose(result.predict(X), model.predict(X, verbose=0), atol=2e-6)


@pytest.mark.parametrize("name", NAMES)
def test_every_activation_is_the_same(name, tmp_path):
    chain = (lambda: layers.Dense(20, activation=name), lambda: layers.Dense(1))
    model = saved(tmp_path / "model.keras", *chain)
    result = cr.from_keras(tmp_path / "model.keras")
    expected = model.predict(X, verbose=0)
    np.testing.assert_allclose(result.predict(X), expected, atol=1e-5 * np.abs(expected).max())


def test_logits_get_their_probabilities(tmp_path):
    model = saved(tmp_path / "model.keras", lambda: layers.Dense(3))
    result = cr.from_keras(tmp_path / "model.keras", loss="log_loss")
    exps = np.exp(model.predict(X, verbose=0))
    np.testing.assert_allclose(result.predict(X), exps / exps.sum(axis=1, keepdims=True), rtol=1e-5)


def test_keras_is_not_imported(tmp_path):
    saved(tmp_path / "model.keras", lambda: layers.Dense(1))
    program = (
        "import sys, chainrule as cr; cr.from_keras(sys.argv[1]); "
        "print('keras' in sys.modules, 'torch' in sys.modules)"
    )
    run = [sys.executable, "-c", program, tmp_path / "model.keras"]
    assert subprocess.run(run, check=True, capture_output=True, text=True).stdout == "False False\n"


@pytest.mark.parametrize(
    ("chain", "message"),
    [
        ((lambda: layers.Reshape((3, 1)),), "got 'Reshape' \\('reshape"),
        ((lambda: layers.Dense(2, activation="hard_silu"),), "got 'hard_silu'"),
        ((lambda: layers.ReLU(threshold=1.0),), "without a threshold"),
        ((lambda: layers.Dense(2), lambda: layers.Normalization(mean=0.0, variance=1.0)), "first"),
    ],
)
def test_what_has_no_counterpart_is_refused_by_name(chain, message, tmp_path):
    saved(tmp_path / "model.keras", *chain)
    with pytest.raises(InputError, match=message):
        cr.from_keras(tmp_path / "model.keras")


def test_other_models_and_damaged_files_are_refused(tmp_path):
    path = tmp_path / "model.keras"
    inputs = layers.Input((3,))
    from keras import Model

    Model(inputs, layers.Dense(1)(inputs)).save(path)
    with pytest.raises(InputError, match="must be a Sequential model, got 'Functional'"):
        cr.from_keras(path)
    saved(path, lambda: layers.Dense(1))
    whole = path.read_bytes()
    for damaged in (
        whole[:200],
        b"no archive",
        _with_config(whole, "{"),
        _with_config(whole, "[]"),
    ):
        path.write_bytes(damaged)
        with pytest.raises(ModelFileError, match=r"model\.keras: is not a \.keras file"):
            cr.from_keras(path)
    path.write_bytes(_with_config(whole, '{"class_name": "Sequential", "config": {}}'))
    with pytest.raises(ModelFileError, match="its layers are not those of a Keras 3 file"):
        cr.from_keras(path)
    with pytest.raises(InputError, match="no such file"):
        cr.from_keras(tmp_path / "none.keras")


def _with_config(data, text):
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            new.writestr(name, text if name == "config.json" else old.read(name))
    assert json.loads(zipfile.ZipFile(io.BytesIO(data)).read("config.json"))["class_name"]
    return made.getvalue()
