"""Lines and whole answers as students of six courses hand them in, each with its truth.

They were written before they were tried.  A line has the kinds of verdicts that name its mistake,
none where it is right, and None where it may be refused; an answer has the numbers of its wrong
lines.  One mistake counts once: what follows from it is right.
"""

SIGMOID = dict(layers=[4, 5, 3], activation="sigmoid", loss="half_mse")
SOFTMAX = dict(layers=[4, 5, 3], activation=["relu", "softmax"], loss="log_loss")
BINARY = dict(layers=[4, 5, 1], activation=["tanh", "sigmoid"], loss="log_loss")
ROWS = dict(batch=True, layout="rows")
COLUMNS = dict(batch=True, layout="columns")
ONE = dict(batch=False, layout="columns")

LINES = [
    # CS231n
    (SOFTMAX, ROWS, "dscores = (probs - y) / N", ()),
    (SOFTMAX, ROWS, "dW2 = hidden_layer.T.dot(dscores)", ()),
    (SOFTMAX, ROWS, "db2 = np.sum(dscores, axis=0)", ()),
    (SOFTMAX, ROWS, "dhidden = dscores.dot(W2.T)", ()),
    (SOFTMAX, ROWS, "hidden_layer = np.maximum(0, np.dot(X, W1) + b1)", ()),
    (SOFTMAX, ROWS, "dW2 = np.dot(dscores, hidden_layer.T)", ("side", "shape", "transpose")),
    (SOFTMAX, ROWS, "db2 = np.sum(dscores, axis=1)", ("sum",)),
    (SOFTMAX, ROWS, "dhidden = np.dot(dscores, W2)", ("transpose",)),
    (SOFTMAX, ROWS, "dscores = (y - probs) / N", ("sign",)),
    (SOFTMAX, ROWS, "probs = np.exp(scores) / np.sum(np.exp(scores), axis=0)", ("sum",)),
    # Ng
    (BINARY, COLUMNS, "dZ2 = (A2 - Y) / m", ()),
    (BINARY, COLUMNS, "dW2 = np.dot(dZ2, A1.T)", ()),
    (BINARY, COLUMNS, "dZ1 = np.dot(W2.T, dZ2) * (1 - np.power(A1, 2))", ()),
    (BINARY, COLUMNS, "db1 = np.sum(dZ1, axis=1, keepdims=True)", ()),
    (BINARY, COLUMNS, "cost = -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))", ()),
    (BINARY, COLUMNS, "dZ1 = np.dot(W2.T, dZ2) * (1 - np.power(Z1, 2))", ("slope", "name")),
    (BINARY, COLUMNS, "dZ1 = np.dot(W2, dZ2) * (1 - np.power(A1, 2))", ("transpose",)),
    (BINARY, COLUMNS, "db1 = np.sum(dZ1, axis=0, keepdims=True)", ("sum",)),
    (BINARY, COLUMNS, "cost = np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))", ("sign",)),
    (BINARY, COLUMNS, "W1 = W1 + learning_rate * dW1", ("sign",)),
    # Nielsen
    (SIGMOID, ONE, r"\delta^L = (a^L - y) \odot \sigma'(z^L)", ()),
    (SIGMOID, ONE, r"\delta^l = ((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^l)", ()),
    (
        SIGMOID,
        ONE,
        "delta = self.cost_derivative(activations[-1], y) * sigmoid_prime(zs[-1])",
        None,
    ),
    (SIGMOID, ONE, "nabla_b[-1] = deltas[-1]", ()),
    (SIGMOID, ONE, r"\frac{\partial C}{\partial b^L} = \delta^L", ()),
    (SIGMOID, ONE, r"\delta^L = (a^L - y) \odot \sigma'(a^L)", ("slope",)),
    (SIGMOID, ONE, r"\delta^l = (w^{l+1} \delta^{l+1}) \odot \sigma'(z^l)", ("transpose",)),
    (SIGMOID, ONE, "nabla_w[-1] = np.dot(activations[-2], deltas[-1].T)", ("side", "shape")),
    (SIGMOID, ONE, r"\delta^L = a^L - y", ("slope",)),
    (
        SIGMOID,
        ONE,
        r"\frac{\partial C}{\partial w^L} = a^{L-1} \delta^L",
        ("side", "shape", "transpose"),
    ),
    # 西瓜书 and Chinese handwriting
    (SIGMOID, dict(batch=False), "g_j = ŷ_j (1 - ŷ_j)(y_j - ŷ_j)", None),
    (SIGMOID, dict(batch=False), "δ_o = (a_o − y) ⊙ a_o ⊙ (1 − a_o)", ()),
    (SIGMOID, dict(batch=False), "损失对 b_ho 的偏导 = δ_o", ()),
    (SIGMOID, dict(batch=False), "δ_h = δ_o W_hoᵀ ⊙ a_h ⊙ (1 − a_h)", ()),
    (SIGMOID, dict(batch=False), "W_ho ← W_ho − η a_hᵀ δ_o", ()),
    (SIGMOID, dict(batch=False), "δ_o = (y − a_o) ⊙ a_o ⊙ (1 − a_o)", ("sign",)),
    (SIGMOID, dict(batch=False), "δ_h = δ_o W_ho ⊙ a_h ⊙ (1 − a_h)", ("transpose",)),
    (SIGMOID, dict(batch=False), "W_ho ← W_ho + η a_hᵀ δ_o", ("sign",)),
    (SIGMOID, dict(batch=False), "损失对 W_ho 的偏导 = X.T δ_o", ("name", "shape")),
    (SIGMOID, dict(batch=False), "δ_h = δ_o W_hoᵀ ⊙ a_o ⊙ (1 − a_o)", ("slope", "name", "shape")),
    # MATLAB
    (SIGMOID, COLUMNS, "d2 = (a2 - y) .* a2 .* (1 - a2) / m", None),
    (SIGMOID, COLUMNS, "delta2 = (a2 - y) .* a2 .* (1 - a2) / m;", ()),
    (SIGMOID, COLUMNS, "delta1 = (W2' * delta2) .* a1 .* (1 - a1);", ()),
    (SIGMOID, COLUMNS, "dW1 = delta1 * X';", ()),
    (SIGMOID, COLUMNS, "db1 = sum(delta1, 2);", ()),
    (SIGMOID, COLUMNS, "a1 = 1 ./ (1 + exp(-(W1 * X + b1)));", ()),
    (SIGMOID, COLUMNS, "delta1 = (W2 * delta2) .* a1 .* (1 - a1);", ("transpose",)),
    (SIGMOID, COLUMNS, "dW1 = X' * delta1;", ("side", "shape")),
    (SIGMOID, COLUMNS, "db1 = sum(delta1, 1);", ("sum",)),
    (SIGMOID, COLUMNS, "delta1 = (W2' * delta2) * a1 .* (1 - a1);", ("product", "shape")),
    (SIGMOID, COLUMNS, "a1 = 1 ./ (1 + exp(W1 * X + b1));", ("sign", "different")),
    # PyTorch from scratch
    (SOFTMAX, ROWS, "dlogits = (torch.softmax(logits, dim=1) - y) / y.shape[0]", ()),
    (SOFTMAX, ROWS, "dW2 = h.t() @ dlogits", ()),
    (SOFTMAX, ROWS, "dh = dlogits @ W2.T", ()),
    (SOFTMAX, ROWS, "db2 = dlogits.sum(0)", ()),
    (SOFTMAX, ROWS, "loss = -(y * torch.log(probs)).sum(dim=1).mean()", ()),
    (SOFTMAX, ROWS, "dlogits = (torch.softmax(logits, dim=0) - y) / y.shape[0]", ("sum",)),
    (SOFTMAX, ROWS, "dW2 = h @ dlogits", ("transpose",)),
    (SOFTMAX, ROWS, "db2 = dlogits.mean(0)", ("sum",)),
    (SOFTMAX, ROWS, "W2 = W2 - lr * h.T", ("name", "shape", "different")),
    (SOFTMAX, ROWS, "loss = (y * torch.log(probs)).sum(dim=1).mean()", ("sign",)),
]

ANSWERS = [
    (
        SOFTMAX,
        ROWS,
        """N = X.shape[0]
hidden = np.maximum(0, X.dot(W1) + b1)
scores = hidden.dot(W2) + b2
exp_scores = np.exp(scores)
probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
dscores = (probs - y) / N
grads = {}
grads['W2'] = hidden.T.dot(dscores)
grads['b2'] = np.sum(dscores, axis=0)
dhidden = dscores.dot(W2.T)
dhidden[hidden <= 0] = 0
grads['W1'] = X.T.dot(dhidden)
grads['b1'] = np.sum(dhidden, axis=0)
""",
        (),
    ),
    (
        BINARY,
        COLUMNS,
        """def backward_propagation(parameters, cache, X, Y):
    m = X.shape[1]
    W1 = parameters["W1"]
    W2 = parameters["W2"]
    A1 = cache["A1"]
    A2 = cache["A2"]
    dZ2 = A2 - Y
    dW2 = np.dot(dZ2, A1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = np.dot(W2.T, dZ2) * (1 - np.power(A1, 2))
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    grads = {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
    return grads
""",
        (),
    ),
    (
        SIGMOID,
        ONE,
        """def backprop(self, x, y):
    nabla_b = [np.zeros(b.shape) for b in self.biases]
    nabla_w = [np.zeros(w.shape) for w in self.weights]
    activation = x
    activations = [x]
    zs = []
    for b, w in zip(self.biases, self.weights):
        z = np.dot(w, activation) + b
        zs.append(z)
        activation = sigmoid(z)
        activations.append(activation)
    delta = (activations[-1] - y) * sigmoid_prime(zs[-1])
    nabla_b[-1] = delta
    nabla_w[-1] = np.dot(delta, activations[-2].transpose())
    for l in range(2, self.num_layers):
        z = zs[-l]
        sp = sigmoid_prime(z)
        delta = np.dot(self.weights[-l+1].transpose(), delta) * sp
        nabla_b[-l] = delta
        nabla_w[-l] = np.dot(delta, activations[-l-1].transpose())
    return (nabla_b, nabla_w)
""",
        (),
    ),
    (
        SIGMOID,
        COLUMNS,
        """a1 = 1 ./ (1 + exp(-(W1*X + b1)));
a2 = 1 ./ (1 + exp(-(W2*a1 + b2)));
delta2 = (a2 - y) .* a2 .* (1 - a2) / m;
delta1 = (W2' * delta2) .* a1 .* (1 - a1);
dW2 = delta2 * a1';
dW1 = delta1 * X';
db2 = sum(delta2, 2);
db1 = sum(delta1, 2);
""",
        (),
    ),
    (
        SOFTMAX,
        ROWS,
        """N = X.shape[0]
hidden = np.maximum(0, X.dot(W1) + b1)
scores = hidden.dot(W2) + b2
probs = np.exp(scores) / np.sum(np.exp(scores), axis=1, keepdims=True)
dscores = (probs - y) / N
dW2 = hidden.T.dot(dscores)
db2 = np.sum(dscores, axis=1)
dhidden = dscores.dot(W2.T)
dW1 = X.T.dot(dhidden)
db1 = np.sum(dhidden, axis=0)
""",
        (7, 8),
    ),
    (
        BINARY,
        COLUMNS,
        """m = X.shape[1]
dZ2 = A2 - Y
dW2 = np.dot(dZ2, A1.T) / m
db2 = np.sum(dZ2, axis=1, keepdims=True) / m
W2 = W2 - learning_rate * dW2
dZ1 = np.dot(W2.T, dZ2) * (1 - np.power(A1, 2))
dW1 = np.dot(dZ1, X.T) / m
db1 = np.sum(dZ1, axis=1, keepdims=True)
""",
        (6, 8),
    ),
    (
        SIGMOID,
        COLUMNS,
        """delta2 = (a2 - y) .* a2 .* (1 - a2) / m;
delta1 = (W2 * delta2) .* a1 .* (1 - a1);
dW2 = delta2 * a1';
dW1 = X * delta1';
db2 = sum(delta2, 1);
db1 = sum(delta1, 2);
""",
        (2, 4, 5),
    ),
    (
        SOFTMAX,
        ROWS,
        """with torch.no_grad():
    dlogits = (y - probs) / y.shape[0]
    dW2 = h.t() @ dlogits
    db2 = dlogits.sum(0)
    dh = dlogits @ W2.t()
    dz1 = dh * (h > 0).float()
    dW1 = X.t() @ dz1
    db1 = dz1.mean(0)
    W1 -= lr * dW1
""",
        (2, 8),
    ),
]
