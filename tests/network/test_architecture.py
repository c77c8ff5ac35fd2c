"""Describing a network: names, shapes, what is refused and how, and starting values."""

import numpy as np
import pytest

from chainrule.errors import InputError, InputTypeError
from chainrule.network.activations import CATALOGUE as ACTIVATIONS
from chainrule.network.architecture import Network
from chainrule.network.initializers import CATALOGUE as INITIALIZERS
from chainrule.network.losses import CATALOGUE as LOSSES
from chainrule.network.losses import huber
from chainrule.network.penalties import L1, L2

# -- what is refused -----------------------------------------------------------------------------

EITHER = (InputError, InputTypeError)

REFUSED = [
    # arguments, error, what was given, what is allowed or to be done
    ({"layers": 5}, InputTypeError, "got 5", "list of widths"),
    ({"layers": None}, InputTypeError, "got None", "list of widths"),
    ({"layers": []}, InputError, "got []", "such as [4, 16, 3]"),
    ({"layers": [3]}, InputError, "got [3]", "inputs and the outputs"),
    ({"layers": [3, 0]}, InputError, "got 0 in [3, 0]", "`layers` must be positive integers"),
    ({"layers": [3, -2, 1]}, InputError, "got -2 in", "positive integers"),
    ({"layers": [3, 2.5]}, InputError, "got 2.5 in", "positive integers"),
    ({"layers": [3, True, 1]}, InputError, "got True in", "positive integers"),
    ({"layers": [3, "x"]}, InputError, "got 'x' in", "positive integers"),
    ({"activation": "sigmod"}, InputError, "'sigmod'", "Did you mean 'sigmoid'?"),
    ({"activation": 3}, EITHER, "got 3", "name"),
    ({"activation": None}, EITHER, "got None", "name"),
    ({"activation": ["tanh", 3]}, EITHER, "got 3", "such as 'tanh'"),
    ({"activation": ["tanh"]}, InputError, "got a list of 1", "one name per layer (here 2"),
    (
        {"activation": ["tanh"] * 3},
        InputError,
        "`activation` must be one name",
        "one name per layer (here 2, including the last), got a list of 3",
    ),
    ({"loss": "msee"}, InputError, "'msee'", "Did you mean 'mse'?"),
    ({"loss": 3}, InputTypeError, "got 3", "'mse'"),
    ({"loss": None}, InputTypeError, "got None", "'mse'"),
    (
        {"activation": ["relu", "tanh"], "loss": "log_loss"},
        InputError,
        "'tanh' does not fit loss 'log_loss'",
        "Use softmax or sigmoid",
    ),
    (
        {"activation": ["relu", "relu"], "loss": "poisson"},
        InputError,
        "'relu' does not fit loss 'poisson'",
        "Use exponential",
    ),
    (
        {"layers": [3, 4, 1], "activation": ["relu", "softmax"], "loss": "log_loss"},
        InputError,
        "'softmax' does not fit",
        "loss 'log_loss'",
    ),
    ({"trainable": {"W_1": False}}, InputError, "'W_1'", "'W_ih'"),
    ({"trainable": {"W_hi": False}}, InputError, "'W_hi'", "Did you mean 'W_ih'?"),
    ({"trainable": {"W_ih": "shared"}}, InputError, "'W_ih' cannot be shared", "only biases"),
    ({"trainable": {"b_ih": "yes"}}, InputError, "got 'yes'", "True, False or 'shared'"),
    ({"trainable": {"b_ih": None}}, InputError, "got None", "True, False or 'shared'"),
    (
        {"trainable": dict.fromkeys(["W_ih", "b_ih", "W_ho", "b_ho"], False)},
        InputError,
        "every parameter is frozen",
        "leave at least one",
    ),
    ({"trainable": ["W_ih"]}, InputTypeError, "got ['W_ih']", "{"),
    ({"penalty": "L2"}, InputTypeError, "got 'L2'", "L2("),
    ({"penalty": 0.1}, InputTypeError, "got 0.1", "L2("),
    ({"penalty": None}, InputTypeError, "got None", "L2("),
    ({"penalty": [L2(0.1), L2(0.2)]}, InputError, "`penalty` must have each kind once", "add"),
]


@pytest.mark.parametrize(
    ("arguments", "error", "given", "allowed"), REFUSED, ids=[str(entry[0]) for entry in REFUSED]
)
def test_what_is_refused_is_named_in_one_line_with_what_to_do(arguments, error, given, allowed):
    with pytest.raises(error) as caught:
        Network.dense(**{"layers": [3, 4, 2], **arguments})
    message = str(caught.value)
    assert given in message
    assert allowed in message
    assert len(message.splitlines()) == 1


def test_an_unfit_list_is_explained_without_contradiction():
    with pytest.raises(InputError) as caught:
        Network.dense([3, 4, 1], ["relu", "softmax"], "log_loss")
    # One share of a whole is always 1: that is why softmax does not fit, and it is no remedy.
    assert "use softmax" not in str(caught.value)


@pytest.mark.parametrize("value", [0, np.False_])
def test_a_false_that_is_no_bool_freezes_too(value):
    network = Network.dense([2, 3, 1], trainable={"b_ih": value})
    assert "b_ih" not in network.trainable_names


def test_penalties_are_checked_wherever_they_are_given():
    with pytest.raises(InputError, match="each kind once"):
        Network.dense([2, 3, 1]).with_penalty(L1(0.1), L1(0.2))


# -- names ---------------------------------------------------------------------------------------


def test_one_hidden_layer_has_the_names_of_the_source_page():
    network = Network.dense([2, 3, 1])
    assert network.parameter_names == ("W_ih", "b_ih", "W_ho", "b_ho")
    assert network.parameter_shapes == {
        "W_ih": (2, 3),
        "b_ih": (3,),
        "W_ho": (3, 1),
        "b_ho": (1,),
    }
    one = network.formulation(batch=False)
    assert [equation.left.name for equation in one.equations] == [
        "z_h",
        "a_h",
        "z_o",
        "a_o",
        "Loss",
    ]
    assert one.inputs[1].name == "Y_t"
    many = network.formulation()
    assert [equation.left.name for equation in many.equations][:2] == ["Z_h", "A_h"]


@pytest.mark.parametrize("layers", [[2, 1], [2, 3, 4, 1], [2, 3, 3, 3, 3, 1]])
def test_any_other_depth_is_numbered(layers):
    network = Network.dense(layers)
    depth = len(layers) - 1
    expected = [f"{letter}_{place}" for place in range(1, depth + 1) for letter in "Wb"]
    assert network.parameter_names == tuple(expected)
    for place in range(1, depth + 1):
        assert network.parameter_shapes[f"W_{place}"] == (layers[place - 1], layers[place])
        assert network.parameter_shapes[f"b_{place}"] == (layers[place],)


def test_the_axes_are_named_once_each():
    for layers in ([2, 1], [2, 3, 1], [2] * 5):
        axes = Network.dense(layers).axes
        assert len(set(axes)) == len({axis.name for axis in axes}) == len(layers)
        assert [axis.position for axis in axes] == sorted(axis.position for axis in axes)
        assert axes[-1].size == "n"


def test_the_summary_is_one_line():
    assert str(Network.dense([4, 16, 3], "relu", "log_loss")) == (
        "4-16-3, relu then softmax, log_loss, 131 parameters"
    )
    assert str(Network.dense([2, 1], "tanh")) == "2-1, tanh, mse, 3 parameters"
    deep = Network.dense([1, 2, 3, 1], ["tanh", "relu", "identity"], penalty=L2(0.01))
    assert str(deep) == "1-2-3-1, tanh then relu then identity, mse, L2 0.01, 17 parameters"


# -- activations that fit ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "outputs", "given", "last"),
    [
        ("log_loss", 3, "relu", "softmax"),
        ("log_loss", 1, "relu", "sigmoid"),
        ("log_loss", 3, "sigmoid", "sigmoid"),
        ("log_loss", 3, "softmax", "softmax"),
        ("log_loss", 1, "softmax", "sigmoid"),
        ("poisson", 2, "tanh", "exponential"),
        ("poisson", 2, "softplus", "softplus"),
        ("gamma", 1, "identity", "exponential"),
        ("mse", 3, "tanh", "tanh"),
        ("mse", 3, "softmax", "softmax"),
        ("mse", 1, "softmax", "identity"),
        ("mae", 2, "relu", "relu"),
    ],
)
def test_a_single_name_that_does_not_fit_is_replaced_at_the_last_layer_only(
    loss, outputs, given, last
):
    network = Network.dense([2, 3, outputs], given, loss)
    assert [entry.name for entry in network.activations] == [given, last]
    assert last in str(network)  # the summary says so


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("outputs", [1, 3])
def test_every_single_name_makes_a_network_for_every_loss(name, loss, outputs):
    network = Network.dense([2, 3, outputs], name, loss)
    assert network.form is not None


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_list_is_taken_as_it_is_or_refused_by_both_names(name, loss):
    fits = any(ACTIVATIONS[name].range <= form.outputs for form in LOSSES[loss]().forms)
    if fits:
        network = Network.dense([2, 3, 3], ["tanh", name], loss)
        assert [entry.name for entry in network.activations] == ["tanh", name]
        return
    with pytest.raises(InputError) as caught:
        Network.dense([2, 3, 3], ["tanh", name], loss)
    assert repr(name) in str(caught.value)
    assert repr(loss) in str(caught.value)


def test_aliases_are_stored_by_their_names():
    network = Network.dense([2, 3, 1], ["logistic", "linear"], "squared_error")
    assert [entry.name for entry in network.activations] == ["sigmoid", "identity"]
    assert network.loss.name == "mse"


def test_entries_may_be_given_instead_of_names():
    network = Network.dense([2, 3, 1], ACTIVATIONS["tanh"], huber(0.5))
    assert network.loss.settings == {"delta": 0.5}


# -- frozen and shared ---------------------------------------------------------------------------


def test_a_frozen_parameter_is_an_input_and_gets_no_gradient():
    network = Network.dense([2, 3, 1], trainable={"b_ih": False})
    assert network.trainable_names == ("W_ih", "W_ho", "b_ho")
    formulation = network.formulation()
    assert "b_ih" not in {symbol.name for symbol in formulation.parameters}
    assert "b_ih" in {symbol.name for symbol in formulation.inputs}
    assert network.initialize()["b_ih"].shape == (3,)


def test_a_shared_bias_is_one_number():
    network = Network.dense([2, 3, 1], trainable={"b_ih": "shared"})
    assert network.parameter_shapes["b_ih"] == ()
    assert network.trainable_names == network.parameter_names
    assert network.size == Network.dense([2, 3, 1]).size - 2


# -- starting values -----------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bits():
    network = Network.dense([4, 16, 3], "relu", "log_loss")
    first, again, other = (network.initialize(seed).flat for seed in (7, 7, 8))
    assert first.tobytes() == again.tobytes()
    assert not np.any(first[first != 0] == other[other != 0])


def test_starting_values_are_these_on_every_machine():
    # Philox and its uniform draws are the same everywhere; a change here breaks old seeds.
    weights = Network.dense([2, 3, 1]).initialize(seed=0)
    limit = np.sqrt(3 * (2.0 / (2 + 3)))
    generator = np.random.Generator(np.random.Philox(key=np.array([0, 1], dtype=np.uint64)))
    np.testing.assert_array_equal(weights["W_ih"], generator.uniform(-limit, limit, (2, 3)))
    assert not weights["b_ih"].any()


def test_the_type_asked_for_is_the_type_given():
    network = Network.dense([4, 16, 3])
    single = network.initialize(3, dtype=np.float32)
    assert single.flat.dtype == np.float32
    np.testing.assert_array_equal(single.flat, network.initialize(3).flat.astype(np.float32))


@pytest.mark.parametrize("dtype", ["int8", "complex128", "bool", "x"])
def test_a_type_that_cannot_hold_weights_is_refused(dtype):
    with pytest.raises((InputError, InputTypeError), match="dtype"):
        Network.dense([2, 3, 1]).initialize(dtype=dtype)


@pytest.mark.parametrize("seed", [-1, 1.5, True, None, 2**64, "0"])
def test_what_is_no_seed_is_refused(seed):
    with pytest.raises(
        (InputError, InputTypeError), match="`seed` must be an integer from 0 to"
    ) as caught:
        Network.dense([2, 3, 1]).initialize(seed)
    assert len(str(caught.value).splitlines()) == 1


def test_any_seed_in_the_range_is_taken():
    network = Network.dense([2, 3, 1])
    drawn = {network.initialize(seed).flat.tobytes() for seed in (0, 1, np.int64(2), 2**64 - 1)}
    assert len(drawn) == 4


def test_each_layer_gets_the_initializer_of_its_activation():
    network = Network.dense([400, 300, 200], ["relu", "tanh"])
    weights = network.initialize(0)
    assert np.std(weights["W_ih"]) == pytest.approx(np.sqrt(2 / 400), rel=0.01)
    assert np.std(weights["W_ho"]) == pytest.approx(np.sqrt(2 / 500), rel=0.01)


def test_a_scheme_serves_every_layer_and_biases_have_their_own():
    network = Network.dense([3, 4, 2])
    weights = network.initialize(0, scheme=0.5, bias=0.25)
    assert np.unique(weights["W_ih"]).tolist() == np.unique(weights["W_ho"]).tolist() == [0.5]
    assert np.unique(weights["b_ih"]).tolist() == [0.25]
    for name in INITIALIZERS:
        assert network.initialize(0, scheme=name)["W_ih"].shape == (3, 4)
    with pytest.raises(InputError, match="unknown initializer 'he'"):
        network.initialize(scheme="he")


# -- formulas ------------------------------------------------------------------------------------


def test_the_structure_forgets_widths_and_strengths_only():
    base = Network.dense([2, 3, 1], penalty=L2(0.1)).structure
    assert Network.dense([5, 7, 2], penalty=L2(0.3)).structure == base
    assert Network.dense([2, 3, 1], penalty=L1(0.1)).structure != base
    assert Network.dense([2, 3, 1], "tanh", penalty=L2(0.1)).structure != base
    assert Network.dense([2, 3, 3, 1], penalty=L2(0.1)).structure != base
    assert Network.dense([2, 3, 1], penalty=L2(0.1), trainable={"b_ih": False}).structure != base


@pytest.mark.parametrize("batch", [True, False])
def test_formulas_of_a_batch_carry_the_samples_and_of_one_sample_do_not(batch):
    formulation = Network.dense([2, 3, 1]).formulation(batch=batch)
    left = formulation.equations[0].left
    assert (left.axes[0].name == "B") == batch


def test_the_loss_is_split_only_where_there_is_a_penalty():
    plain = Network.dense([2, 3, 1]).formulation()
    assert plain.data_loss == plain.loss
    with_penalty = Network.dense([2, 3, 1], penalty=[L2(0.1), L1(0.2)])
    formulation = with_penalty.formulation()
    assert formulation.data_loss != formulation.loss
    assert with_penalty.strengths == {"λ": 0.1, "λ_1": 0.2}
    assert {"λ", "λ_1"} <= {symbol.name for symbol in formulation.inputs}
