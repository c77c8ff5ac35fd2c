"""Thresholds at wrong places, which random values seldom see."""

import pytest

import chainrule as cr

RELU = cr.Network.dense([4, 5, 3], "relu")
LEAKY = cr.Network.dense([4, 5, 3], "leaky_relu")
ELU = cr.Network.dense([4, 5, 3], "elu")

WRONG = [
    (RELU, "a_h = np.minimum(np.maximum(z_h,0), 6)"),
    (RELU, "a_h = np.clip(z_h, 0, 100)"),
    (RELU, "a_h = np.minimum(np.maximum(z_h,0), 1e6)"),
    (RELU, "a_h = np.where(z_h > 0.05, z_h, 0)"),
    (RELU, "a_h = np.where(z_h > -0.001, z_h, 0)"),
    (RELU, "a_h = np.where(z_h > 1e-12, z_h, 0)"),
    (RELU, "a_h = z_h * (z_h > 0.05)"),
    (RELU, "delta_h = da_h * (z_h > 0.05)"),
    (RELU, "delta_h = da_h * (z_h > -0.001)"),
    (RELU, "delta_h = da_h * (a_h > 0.05)"),
    (RELU, "delta_h = da_h * (10*z_h > 0.001)"),
    (RELU, "delta_h = da_h * (z_h > 0) * (z_h < 100)"),
    (RELU, "delta_h = (delta_o @ W_ho.T) * (z_h > 0.05)"),
    (LEAKY, "a_h = np.where(z_h > 0.05, z_h, 0.01*z_h)"),
    (LEAKY, "delta_h = da_h * np.where(z_h > -0.05, 1, 0.01)"),
]
RIGHT = [
    (RELU, "a_h = np.maximum(z_h, 0)"),
    (RELU, "a_h = np.clip(z_h, 0, None)"),
    (RELU, "a_h = z_h * (z_h > 0)"),
    (RELU, "a_h = (z_h + np.abs(z_h)) / 2"),
    (RELU, "delta_h = da_h * (a_h > 0)"),
    (RELU, "dW_ih = X.T @ ((delta_o @ W_ho.T) * (z_h > 0))"),
    (LEAKY, "a_h = np.maximum(z_h, 0.01*z_h)"),
    (LEAKY, "delta_h = da_h * np.where(a_h > 0, 1, 0.01)"),
    (ELU, "a_h = (z_h > 0)*z_h + (z_h <= 0)*(np.exp(z_h) - 1)"),  # 0·∞ far from 0
    (ELU, "delta_h = da_h * np.where(z_h > 0, 1, a_h + 1)"),
]


@pytest.mark.parametrize("batch", [True, False])
@pytest.mark.parametrize(("network", "line"), WRONG)
def test_a_threshold_at_a_wrong_place_is_wrong(network, line, batch):
    verdict = cr.check_line(network, line, batch=batch)
    assert not verdict.correct
    assert "Example" in verdict.message()


@pytest.mark.parametrize("batch", [True, False])
@pytest.mark.parametrize(("network", "line"), RIGHT)
def test_other_forms_of_piecewise_functions_are_right(network, line, batch):
    assert cr.check_line(network, line, batch=batch).kind == "right"


def test_a_variable_of_an_answer_is_no_delta_with_a_wrong_threshold():
    answer = "d = (delta_o @ W_ho.T) * (z_h > {})\ndW_ih = X.T @ d"
    assert cr.check_answer(RELU, answer.format("0")).correct
    assert cr.check_answer(RELU, answer.format("0.05")).exit_code == 1


def test_a_line_that_is_right_for_one_unit_only_at_random_values_is_wrong():
    network = cr.Network.dense([4, 1, 1], "relu")
    assert not cr.check_line(network, "a_h = np.where(z_h > 0.05, z_h, 0)", batch=True).correct
