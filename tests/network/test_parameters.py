"""Parameters: named views of one vector, and what is refused when a mapping is gathered."""

import numpy as np
import pytest

from chainrule.errors import InputError, InputTypeError
from chainrule.network.architecture import Network
from chainrule.network.parameters import Parameters, gathered
from chainrule.training.loop import train
from chainrule.training.single_pass import predict
from chainrule.verification import verify

SHAPES = {"W": (2, 3), "b": (3,), "s": ()}


def given(**changed):
    arrays = {"W": np.arange(6.0).reshape(2, 3), "b": np.ones(3), "s": np.float64(5.0)}
    return {**arrays, **changed}


def test_views_and_the_vector_share_memory():
    parameters = Parameters(SHAPES)
    for name, view in parameters.items():
        assert np.shares_memory(view, parameters.flat)
        assert view.shape == SHAPES[name]
    parameters["W"][1, 2] = 7.0
    parameters["s"][...] = 9.0
    assert parameters.flat.tolist() == [0, 0, 0, 0, 0, 7, 0, 0, 0, 9]
    parameters.flat[:] = 1.0
    assert parameters["b"].tolist() == [1, 1, 1]


def test_a_given_vector_is_used_and_not_copied():
    flat = np.arange(10.0)
    parameters = Parameters(SHAPES, flat)
    assert parameters.flat is flat
    assert parameters["W"].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_it_is_a_mapping_in_the_order_of_the_layers():
    parameters = Parameters(SHAPES)
    assert list(parameters) == ["W", "b", "s"]
    assert len(parameters) == 3
    assert "W" in parameters
    assert "V" not in parameters
    with pytest.raises(KeyError):
        parameters["V"]


def test_a_copy_has_memory_of_its_own():
    parameters = Parameters(SHAPES, np.arange(10.0))
    copy = parameters.copy()
    copy.flat[:] = 0
    assert parameters.flat.tolist() == list(range(10))
    assert list(copy) == list(parameters)
    assert not np.shares_memory(copy["W"], parameters.flat)


def test_the_summary_says_shapes_and_type():
    assert repr(Parameters(SHAPES)) == "Parameters(W (2, 3), b (3,), s (); float64)"


def test_gathering_copies():
    arrays = given()
    result = gathered(arrays, SHAPES)
    result["W"][...] = -1
    assert arrays["W"].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_the_order_of_the_vector_is_that_of_the_shapes():
    reversed_ = dict(reversed(given().items()))
    assert gathered(reversed_, SHAPES).flat.tolist() == [0, 1, 2, 3, 4, 5, 1, 1, 1, 5]


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ((np.float32, np.float32, np.float32), np.float32),
        ((np.float32, np.float64, np.float32), np.float64),
        ((np.int64, np.float32, np.float32), np.float64),
        ((np.float16, np.float16, np.float16), np.float64),
    ],
)
def test_single_precision_only_where_all_are_single(types, expected):
    arrays = {n: np.asarray(a).astype(t) for (n, a), t in zip(given().items(), types, strict=True)}
    assert gathered(arrays, SHAPES).flat.dtype == expected


def test_lists_are_taken_as_numbers():
    assert gathered(given(b=[1, 2, 3]), SHAPES)["b"].tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"V": 1}, "unknown parameter 'V'"),
        ({"w": 1}, "Did you mean 'W'"),
        ({"W": np.ones((3, 2))}, r"parameter W must have shape (2, 3), got (3, 2)"),
        ({"b": np.ones((1, 3))}, r"parameter b must have shape (3,), got (1, 3)"),
        (
            {"b": np.array([1, np.nan, 0])},
            "parameter b must have finite values, got NaN or infinity",
        ),
        (
            {"b": np.array([1, np.inf, 0])},
            "parameter b must have finite values, got NaN or infinity",
        ),
        (
            {"b": np.array(["1", "2", "3"])},
            "parameter b must be an array of numbers, got values of type",
        ),
        (
            {"b": np.array([1j, 2, 3])},
            "parameter b must be an array of numbers, got values of type complex128",
        ),
        (
            {"b": np.array([True, False, True])},
            "parameter b must be an array of numbers, got values of type bool",
        ),
        ({"b": [[1], [2, 3]]}, "parameter b"),
        (
            {"b": np.array([1, 2, None])},
            "parameter b must be an array of numbers, got values of type object",
        ),
    ],
)
def test_what_is_refused_is_named(changed, message):
    with pytest.raises(InputError) as caught:
        gathered(given(**changed), SHAPES)
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_what_is_missing_is_named():
    with pytest.raises(InputError, match="b, s did not come; all of W, b, s are needed"):
        gathered({"W": np.ones((2, 3))}, SHAPES)


def test_values_too_large_for_single_precision_are_refused():
    # float64 → float64 keeps them; nothing is silently made infinite.
    assert gathered(given(s=1e300), SHAPES)["s"] == 1e300


@pytest.mark.parametrize("wrong", [[1, 2], 3, np.ones(3), {1: 2}])
def test_what_is_no_mapping_by_names_is_refused(wrong):
    with pytest.raises(InputTypeError, match="`parameters` must be a dictionary"):
        gathered(wrong, SHAPES)
    network = Network.dense([2, 1])
    for use in (
        lambda: predict(network, wrong, [[0.0, 1.0]]),
        lambda: train(network, [[0.0, 1.0]], [[1.0]], epochs=1, parameters=wrong),
    ):
        with pytest.raises(InputTypeError, match="`parameters` must be a dictionary"):
            use()


def test_verify_refuses_parameters_that_are_no_mapping():
    with pytest.raises(InputTypeError, match="`parameters` must be a dictionary of arrays by name"):
        verify(Network.dense([2, 1]), parameters=[1, 2])
