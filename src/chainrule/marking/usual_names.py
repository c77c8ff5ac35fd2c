"""Names that programs and courses give to the quantities of a network with one hidden layer.

``d_hidden`` and ``grad_output`` are loose: some write them for ∂Loss/∂a, others for δ = ∂Loss/∂z.
A line is marked in each meaning, the same one throughout the line.
"""

import re
from collections.abc import Iterator
from itertools import product
from typing import TypeAlias

Meanings: TypeAlias = tuple[str, str]
"""What the loose names of the hidden layer and of the output layer mean: "a" or "z"."""

LOSSES = ("Loss", "L", "E", "C", "J", "MSE", "cost", "error", "loss_value")
ERRORS = ("error", "err", "errors", "output_error", "error_output", "residual", "diff")
"""Names of the difference of output and target."""
OUTPUTS = (
    *("y_hat", "yhat", "ŷ", "y_pred", "ypred", "y_p", "output", "prediction", "outputs", "out"),
    *("predictions", "probs", "proba", "p", "o", "a_out", "a_output", "output_layer_output"),
    *("y_out", "predicted_output", "pred"),
)
HIDDEN = (
    *("h", "hidden", "hidden_layer", "hidden_output", "hidden_layer_output", "a_hidden"),
    *("hidden_layer_activation", "hidden_activation", "hidden_outputs"),
)
HIDDEN_SUMS = ("z_hidden", "hidden_input", "hidden_layer_input", "hidden_inputs", "net_hidden")
OUTPUT_SUMS = (
    *("z_out", "z_output", "scores", "logits", "output_input", "output_layer_input", "net_out"),
    *("net_output", "final_inputs"),
)
FIRST_WEIGHTS = (
    *("weights_ih", "W_input_hidden", "weights_input_hidden", "W_hidden", "W_xh", "w_xh"),
    *("weights_input_to_hidden", "hidden_weights", "weights_hidden"),
)
SECOND_WEIGHTS = (
    *("weights_ho", "W_hidden_output", "weights_hidden_output", "W_output", "W_out", "W_hy"),
    *("weights_hidden_to_output", "output_weights", "weights_output", "w_hy"),
)
FIRST_BIASES = ("b_hidden", "bias_hidden", "hidden_bias", "bias_h", "bias_ih", "bias1", "bias_1")
SECOND_BIASES = ("b_output", "bias_output", "output_bias", "bias_o", "bias_ho", "bias2", "bias_2")
HIDDEN_DELTAS = ("delta_hidden", "hidden_delta", "deltahidden", "delta_hidden_layer")
OUTPUT_DELTAS = ("delta_output", "output_delta", "deltaoutput", "delta_out", "delta_output_layer")
JACOBIANS = ("jacobian", "jac", "softmax_jacobian", "J_softmax", "da_dz", "dp_dz", "ds_dz")
"""Names of the matrix of derivatives of a function of all outputs, such as softmax."""
NUMBERED = ("theta", "Theta", "weights", "weights_", "theta_")
"""Names of weights before the number of the layer."""

_LOOSE_HIDDEN = ("d_hidden", "dhidden", "grad_h", "grad_hidden", "dh", "d_h", "hidden_grad")
_LOOSE_OUTPUT = (
    *("d_output", "doutput", "grad_out", "grad_output", "grad_y_pred", "d_out", "dout"),
    *("output_grad", "grad_outputs", "d_predicted_output", "grad_yhat", "grad_y_hat"),
)


def loose_names(meanings: Meanings) -> Iterator[tuple[str, bool, tuple[str, ...]]]:
    """Yield the letter (a or z), whether it is the output layer, and the loose names."""
    yield meanings[0], False, _LOOSE_HIDDEN
    yield meanings[1], True, _LOOSE_OUTPUT


def meanings_in(line: str) -> list[Meanings]:
    """Return the meanings to try for a line; one where it has no loose names.

    >>> meanings_in("dW_ho = a_h.T @ delta_o"), len(meanings_in("d_hidden = d_output @ W2.T"))
    ([('a', 'a')], 4)
    """
    words = {*re.findall(r"[A-Za-z_]\w*", str(line))}
    hidden = "az" if words & {*_LOOSE_HIDDEN} else "a"
    output = "az" if words & {*_LOOSE_OUTPUT} else "a"
    return list(product(hidden, output))
