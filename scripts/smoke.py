"""Tries an installed chainrule: derives, verifies, trains in the compiled core, predicts."""

import chainrule as cr

network = cr.Network.dense([4, 8, 3], activation="tanh", loss="log_loss")
assert str(cr.derive(network).gradients["W_ho"]) == "A_hᵀ δ_o"
assert cr.verify(network, seed=0).passed
xor = cr.Network.dense([2, 4, 1], activation="tanh", loss="mse")
X, Y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0.0, 1.0, 1.0, 0.0]
result = cr.train(
    xor, X, Y, optimizer=cr.Adam(0.05), batch_size=None, epochs=300, seed=1, backend="compiled"
)
assert [round(float(output)) for output in result.predict(X)[:, 0]] == [0, 1, 1, 0]
cr.show_config()
