"""PyTorch's modules and chainrule's networks predict the same, and train on to the same weights."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import InputError, InputTypeError

pytestmark = pytest.mark.peers("torch")

X = np.random.default_rng(0).normal(size=(60, 3))


def written(text):
    """Return the module that is written in names of torch.nn."""
    from torch import nn

    return eval(text, vars(nn))


def module_of(*layers, single=False):
    import torch
    from torch import nn

    torch.manual_seed(0)
    module = nn.Sequential(*map(written, layers)).to(torch.float32 if single else torch.float64)
    module.eval()
    for part in module.modules():  # statistics and scales that are not those of a new module
        if isinstance(part, nn.BatchNorm1d) and part.track_running_stats:
            part.running_mean.uniform_(-1, 1)
            part.running_var.uniform_(0.5, 2)
        if isinstance(part, nn.BatchNorm1d | nn.LayerNorm) and part.weight is not None:
            nn.init.uniform_(part.weight, 0.5, 2)
            nn.init.uniform_(part.bias, -1, 1)
    return module


def answers(module, inputs=X):
    import torch

    with torch.no_grad():
        return module(torch.from_numpy(inputs)).numpy()


MODULES = {
    "normalized": (
        "BatchNorm1d(3, eps=1e-3, momentum=0.2)",
        "Linear(3, 5)",
        "LayerNorm(5, eps=1e-4)",
        "PReLU()",
        "Dropout(0.3)",
        "Linear(5, 2, bias=False)",
    ),
    "nested": ("Flatten()", "Sequential(Linear(3, 4), Sequential(Tanh(), Linear(4, 2)))"),
    "activation alone": ("BatchNorm1d(3, affine=False)", "Tanh()", "Linear(3, 1)"),
    "probabilities": ("Linear(3, 4)", "ReLU()", "Linear(4, 3)", "Softmax(1)"),
    "one linear": ("Linear(3, 2)",),
}
ACTIVATIONS = [
    "ReLU()", "Tanh()", "Sigmoid()", "SELU()", "Softsign()", "SiLU()", "Mish()", "Hardsigmoid()",
    "Softplus()", "LeakyReLU()", "LeakyReLU(0.3)", "ELU()", "ELU(0.5)", "CELU()", "GELU()",
    "GELU('tanh')", "ReLU6()", "Hardtanh(-2, 0.5)", "Identity()",
]  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_a_module_read_predicts_the_same_and_so_does_one_written(name):
    module = module_of(*MODULES[name])
    result = cr.from_torch(module)
    np.testing.assert_allclose(result.predict(X), answers(module), atol=1e-12)
    back = cr.to_torch(result)
    assert not back.training
    np.testing.assert_allclose(answers(back), answers(module), atol=1e-12)


@pytest.mark.parametrize("function", ACTIVATIONS)
def test_every_activation_is_the_same(function):
    import torch

    module = module_of("Linear(3, 40)", function, "Linear(40, 1)")
    with torch.no_grad():
        module[0].weight *= 6  # to reach all pieces
    # torch computes softplus beyond 20 as the line.
    np.testing.assert_allclose(cr.from_torch(module).predict(X), answers(module), atol=1e-8)


def test_single_precision_stays_single():
    import torch

    module = module_of("Linear(3, 2)", single=True)
    result = cr.from_torch(module)
    assert result.parameters.flat.dtype == np.float32
    assert cr.to_torch(result)[0].weight.dtype == torch.float32


@pytest.mark.parametrize(("outputs", "function"), [(3, "Softmax(1)"), (1, "Sigmoid()")])
def test_logits_get_their_probabilities(outputs, function):
    module = module_of(f"Linear(3, {outputs})")
    result = cr.from_torch(module, loss="log_loss")
    assert result.network.loss.name == "log_loss"
    expected = answers(module_of(f"Linear(3, {outputs})", function))
    np.testing.assert_allclose(result.predict(X), expected, rtol=1e-12)


def test_both_train_on_to_the_same_weights():
    import torch

    module = module_of("Linear(3, 4)", "Tanh()", "Linear(4, 1)")
    start = cr.from_torch(module)
    Y = X[:, :1] ** 2
    trained = cr.train(
        start.network, X, Y, parameters=start.parameters, optimizer=cr.SGD(0.1),
        batch_size=None, epochs=5, shuffle=False,
    )  # fmt: skip
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    for _ in range(5):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(module(torch.from_numpy(X)), torch.from_numpy(Y)).backward()
        optimizer.step()
    np.testing.assert_allclose(trained.predict(X), answers(module), rtol=1e-10)


def test_estimators_become_modules():
    model = cr.MLPClassifier((5,), max_iter=3, random_state=0)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model.fit(X, np.digitize(X[:, 0], [-0.5, 0.5]))
    np.testing.assert_allclose(answers(cr.to_torch(model)), model.predict_proba(X), rtol=1e-10)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Sequential(Linear(3, 2), LogSoftmax(1))", "before its LogSoftmax"),
        ("Sequential(Conv1d(3, 2, 1))", "got Conv1d"),
        ("Sequential(Linear(3, 2), Softplus(beta=2))", "beta=2"),
        ("Sequential(Linear(3, 2), Softmax(0))", "dim=0"),
        ("Sequential(BatchNorm1d(3, track_running_stats=False))", "running statistics"),
        ("Sequential(Tanh())", "a Linear layer"),
        ("Sequential(Linear(3, 4), ReLU(), Linear(5, 2))", r"got Linear\(.*\) after 4 values"),
    ],
)
def test_what_has_no_counterpart_is_refused_by_name(text, message):
    with pytest.raises(InputError, match=message):
        cr.from_torch(written(text))


def test_what_torch_does_not_have_is_refused():
    x = cr.Input(3)
    graph = cr.Network(x, cr.Dense(1)(x + cr.Dense(3, "relu")(x)))
    with pytest.raises(InputError, match="must be a chain of layers"):
        cr.to_torch((graph, graph.initialize(0)))
    noisy = cr.Network(x, cr.Dense(1)(cr.GaussianNoise(0.1)(x)))
    with pytest.raises(InputError, match="got GaussianNoise"):
        cr.to_torch((noisy, noisy.initialize(0)))
    with pytest.raises(InputTypeError, match=r"must be a torch.nn.Sequential, got 3"):
        cr.from_torch(3)
    with pytest.raises(InputTypeError, match="must be the Result of train"):
        cr.to_torch(3)
