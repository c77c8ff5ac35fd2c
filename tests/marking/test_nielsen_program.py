"""The function that M. Nielsen publishes, in his own convention: network.py, one sample."""

import pytest

from chainrule import Network, check_answer, check_line
from chainrule.marking.check_answer import _best
from chainrule.marking.line_marker import line_marker
from chainrule.marking.stated_conventions import find

# https://github.com/mnielsen/neural-networks-and-deep-learning, src/network.py
BACKPROP = '''class Network(object):

    def backprop(self, x, y):
        """Return a tuple ``(nabla_b, nabla_w)`` representing the
        gradient for the cost function C_x."""
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        # feedforward
        activation = x
        activations = [x] # list to store all the activations, layer by layer
        zs = [] # list to store all the z vectors, layer by layer
        for b, w in zip(self.biases, self.weights):
            z = np.dot(w, activation)+b
            zs.append(z)
            activation = sigmoid(z)
            activations.append(activation)
        # backward pass
        delta = self.cost_derivative(activations[-1], y) * \\
            sigmoid_prime(zs[-1])
        nabla_b[-1] = delta
        nabla_w[-1] = np.dot(delta, activations[-2].transpose())
        for l in range(2, self.num_layers):
            z = zs[-l]
            sp = sigmoid_prime(z)
            delta = np.dot(self.weights[-l+1].transpose(), delta) * sp
            nabla_b[-l] = delta
            nabla_w[-l] = np.dot(delta, activations[-l-1].transpose())
        return (nabla_b, nabla_w)

    def cost_derivative(self, output_activations, y):
        """Return the vector of partial derivatives partial C_x /
        partial a for the output activations."""
        return (output_activations-y)

def sigmoid(z):
    """The sigmoid function."""
    return 1.0/(1.0+np.exp(-z))

def sigmoid_prime(z):
    """Derivative of the sigmoid function."""
    return sigmoid(z)*(1-sigmoid(z))
'''
MISTAKES = [
    ("np.dot(w, activation)+b", "np.dot(w, activation)-b"),
    ("np.dot(w, activation)+b", "np.dot(w.transpose(), activation)+b"),
    ("np.dot(w, activation)+b", "np.dot(w, activation)"),
    ("activation = sigmoid(z)", "activation = np.tanh(z)"),
    ("activation = sigmoid(z)", "activation = sigmoid_prime(z)"),
    ("activations.append(activation)", "activations.append(z)"),
    ("zs.append(z)", "zs.append(activation)"),
    ("self.cost_derivative(activations[-1], y)", "self.cost_derivative(activations[-2], y)"),
    ("self.cost_derivative(activations[-1], y)", "-self.cost_derivative(activations[-1], y)"),
    (" * \\\n            sigmoid_prime(zs[-1])", ""),
    ("sigmoid_prime(zs[-1])", "sigmoid_prime(zs[-2])"),
    ("sigmoid_prime(zs[-1])", "sigmoid_prime(activations[-1])"),
    ("nabla_b[-1] = delta", "nabla_b[-1] = -delta"),
    ("nabla_b[-1] = delta", "nabla_b[-2] = delta"),
    ("activations[-2].transpose())", "activations[-2])"),
    ("activations[-2].transpose())", "activations[-1].transpose())"),
    ("np.dot(delta, activations[-2].transpose())", "np.dot(activations[-2], delta.transpose())"),
    ("range(2, self.num_layers)", "range(1, self.num_layers)"),
    ("z = zs[-l]", "z = zs[-l+1]"),
    ("sp = sigmoid_prime(z)", "sp = sigmoid(z)"),
    ("self.weights[-l+1]", "self.weights[-l]"),
    ("self.weights[-l+1].transpose()", "self.weights[-l+1]"),
    (", delta) * sp", ", delta)"),
    (", delta) * sp", ", delta) * -sp"),
    ("nabla_b[-l] = delta", "nabla_b[-l] = delta * sp"),
    ("nabla_b[-l] = delta", "nabla_b[-l+1] = delta"),
    ("activations[-l-1].transpose())", "activations[-l].transpose())"),
    ("activations[-l-1].transpose())", "activations[-l-1])"),
    ("nabla_w[-l] = np.dot(delta", "nabla_w[-l] = -np.dot(delta"),
    ("(output_activations-y)", "(y-output_activations)"),
    ("(output_activations-y)", "2*(output_activations-y)"),
    ("1.0/(1.0+np.exp(-z))", "1.0/(1.0+np.exp(z))"),
    ("*(1-sigmoid(z))", "*(1+sigmoid(z))"),
]


def marked(widths, text):
    network = Network.dense(widths, loss="half_mse")
    return check_answer(network, text, batch=False, convention="nielsen")


@pytest.mark.parametrize("widths", [[2, 3, 2], [2, 4, 3, 2]])
def test_the_published_function_is_right_in_its_own_convention(widths):
    found = marked(widths, BACKPROP)
    gradients = 2 * (len(widths) - 1)
    counts = [found.count(each) for each in ("right", "wrong", "unread")]
    assert counts == [gradients, 0, 0], str(found)
    assert (found.missing, found.given) == ((), ())


def test_the_line_with_the_mistake_is_at_fault():
    found = marked([2, 3, 2], BACKPROP.replace("nabla_b[-1] = delta", "nabla_b[-1] = -delta"))
    faults = [(each.text, each.verdict.kind) for each in found.statements if each.outcome != "own"]
    assert [kind for _, kind in faults] == ["sign", "right", "right", "right"]
    assert faults[0][0] == "nabla_b[-1] = -delta"


@pytest.mark.parametrize(("text", "mistake"), MISTAKES)
def test_a_mistake_in_it_is_not_right(text, mistake):
    assert BACKPROP.count(text) == 1
    widths = [2, 4, 3, 2] if "-l" in text else [2, 3, 2]
    network = Network.dense(widths, loss="half_mse")
    marker = line_marker(network, None, False, "sgd", find("nielsen"))
    # The faults alone: what would repair each of them takes most of the time.
    faults, _ = _best(marker, BACKPROP.replace(text, mistake)).score()
    assert faults < 0


def test_one_line_with_entries_of_lists_has_the_numbers_of_the_convention():
    network = Network.dense([2, 3, 2], loss="half_mse")
    given = {"batch": False, "convention": "nielsen"}
    right = "nabla_w[-1] = np.dot(delta_3, activations[-2].transpose())"
    assert check_line(network, right, **given).correct
    assert check_line(network, "nabla_w[-2] = delta_2 @ activations[0].T", **given).correct
    wrong = "nabla_w[-1] = np.dot(delta_3, activations[-1].transpose())"
    assert not check_line(network, wrong, **given).correct
