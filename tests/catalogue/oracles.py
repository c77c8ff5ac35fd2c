"""What others say: activations and losses by SciPy, mpmath, PyTorch and JAX.

Nothing here is written with chainrule's expressions.  Peers are imported inside the functions, as
tests/conftest.py asks; a catalogue entry that is missing from a table fails the test that looks it
up.  Constants are those of the publications, not of the catalogue.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from scipy import special

Elementwise = dict[str, Callable[..., Any]]

# Klambauer et al. 2017, equation 14: the scales of SELU in closed form.
_E, _RC1, _RC2 = np.e, special.erfc(np.sqrt(0.5)), special.erfc(np.sqrt(2.0))
SELU_ALPHA = -np.sqrt(2 / np.pi) / (_RC1 * np.sqrt(_E) - 1)
SELU_SCALE = (
    (1 - _RC1 * np.sqrt(_E))
    * np.sqrt(2 * np.pi)
    / np.sqrt(
        2 * _RC2 * _E**2 + np.pi * _RC1**2 * _E - 2 * (2 + np.pi) * _RC1 * np.sqrt(_E) + np.pi + 2
    )
)

SCIPY_ACTIVATIONS: Elementwise = {
    "identity": lambda z: z,
    "sigmoid": special.expit,
    "tanh": np.tanh,
    "relu": lambda z: np.clip(z, 0, None),
    "leaky_relu": lambda z: np.where(z < 0, z / 100, z),
    "elu": lambda z: np.where(z < 0, special.expm1(z.clip(None, 0)), z),
    "selu": lambda z: SELU_SCALE * np.where(z < 0, SELU_ALPHA * special.expm1(z.clip(None, 0)), z),
    "softplus": lambda z: np.logaddexp(0, z),
    "softsign": lambda z: z / (1 + np.abs(z)),
    "silu": lambda z: z * special.expit(z),
    "gelu": lambda z: z * special.ndtr(z),
    "mish": lambda z: z * np.tanh(np.logaddexp(0, z)),
    "hard_sigmoid": lambda z: np.clip(z + 3, 0, 6) / 6,
    "exponential": np.exp,
    "softmax": lambda z: special.softmax(z, axis=-1),
}
"""The value of every activation, in NumPy and SciPy."""


def mpmath_activations(mp: Any) -> Elementwise:
    """Return the elementwise activations at mpmath's working precision."""
    rc1, rc2, e, pi = mp.erfc(mp.sqrt(0.5)), mp.erfc(mp.sqrt(2)), mp.e, mp.pi
    alpha = -mp.sqrt(2 / pi) / (rc1 * mp.sqrt(e) - 1)
    inside = 2 * rc2 * e**2 + pi * rc1**2 * e - 2 * (2 + pi) * rc1 * mp.sqrt(e) + pi + 2
    scale = (1 - rc1 * mp.sqrt(e)) * mp.sqrt(2 * pi) / mp.sqrt(inside)
    return {
        "identity": lambda z: z,
        "sigmoid": lambda z: 1 / (1 + mp.exp(-z)),
        "tanh": mp.tanh,
        "relu": lambda z: max(z, mp.zero),
        "leaky_relu": lambda z: z if z > 0 else z / 100,
        "elu": lambda z: z if z > 0 else mp.expm1(z),
        "selu": lambda z: scale * (z if z > 0 else alpha * mp.expm1(z)),
        "softplus": lambda z: mp.log1p(mp.exp(z)),
        "softsign": lambda z: z / (1 + abs(z)),
        "silu": lambda z: z / (1 + mp.exp(-z)),
        "gelu": lambda z: z * mp.ncdf(z),
        "mish": lambda z: z * mp.tanh(mp.log1p(mp.exp(z))),
        "hard_sigmoid": lambda z: min(max(z + 3, mp.zero), mp.mpf(6)) / 6,
        "exponential": mp.exp,
    }


@cache
def torch_activations() -> Elementwise:
    """Return every activation by PyTorch's own functions; softmax runs over the last axis."""
    import torch

    F = torch.nn.functional
    return {
        "identity": torch.nn.Identity(),
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "relu": F.relu,
        "leaky_relu": F.leaky_relu,
        "elu": F.elu,
        "selu": F.selu,
        # PyTorch goes over to z itself above its threshold, by default at 20.
        "softplus": lambda z: F.softplus(z, threshold=50),
        "softsign": F.softsign,
        "silu": F.silu,
        "gelu": F.gelu,
        "mish": F.mish,
        # The gradient of hardsigmoid takes 1/6 in float32 (PyTorch 2.13), whatever z is.
        "hard_sigmoid": lambda z: F.relu6(z + 3) / 6,
        "exponential": torch.exp,
        "softmax": lambda z: F.softmax(z, dim=-1),
    }


@cache
def jax_activations() -> Elementwise:
    """Return every activation by JAX's own functions; softmax runs over the last axis."""
    import jax

    return {
        "identity": jax.nn.identity,
        "sigmoid": jax.nn.sigmoid,
        "tanh": jax.numpy.tanh,
        "relu": jax.nn.relu,
        "leaky_relu": jax.nn.leaky_relu,
        "elu": jax.nn.elu,
        "selu": jax.nn.selu,
        "softplus": jax.nn.softplus,
        "softsign": jax.nn.soft_sign,
        "silu": jax.nn.silu,
        "gelu": lambda z: jax.nn.gelu(z, approximate=False),
        "mish": jax.nn.mish,
        "hard_sigmoid": jax.nn.hard_sigmoid,
        "exponential": jax.numpy.exp,
        "softmax": jax.nn.softmax,
    }


# Losses.  Each takes the pre-activation z and the output a of the last layer, the targets y, the
# name of the last activation and the loss's constants, and gives one number per sample: what is
# averaged and what is summed over the outputs is design.md section 5.


@cache
def torch_losses() -> Elementwise:
    """Return the loss of each sample by PyTorch's own losses and distributions."""
    import torch

    F = torch.nn.functional

    def log_loss(z: Any, a: Any, y: Any, last: str) -> Any:
        if last == "softmax":
            return F.cross_entropy(z, y, reduction="none")
        assert last == "sigmoid"
        return F.binary_cross_entropy_with_logits(z, y, reduction="none").sum(1)

    def quantile(z: Any, a: Any, y: Any, last: str, level: float) -> Any:
        e = y - a
        return torch.where(e > 0, level * e, (level - 1) * e).mean(1)

    def poisson(z: Any, a: Any, y: Any, last: str) -> Any:
        # PyTorch leaves out what depends on y alone, and by default adds 1e-8 to a.
        rest = torch.xlogy(y, y) - y
        found = F.poisson_nll_loss(a, y, log_input=False, eps=0.0, reduction="none")
        return (found + rest).mean(1)

    def gamma(z: Any, a: Any, y: Any, last: str) -> Any:
        found = torch.distributions.Gamma(torch.ones_like(a), 1 / a).log_prob(y)
        return (-found - torch.log(y) - 1).mean(1)

    return {
        "mse": lambda z, a, y, last: F.mse_loss(a, y, reduction="none").mean(1),
        "half_mse": lambda z, a, y, last: F.mse_loss(a, y, reduction="none").sum(1) / 2,
        "mae": lambda z, a, y, last: F.l1_loss(a, y, reduction="none").mean(1),
        "huber": lambda z, a, y, last, delta: F.huber_loss(
            a, y, reduction="none", delta=delta
        ).mean(1),
        "quantile": quantile,
        "log_loss": log_loss,
        "poisson": poisson,
        "gamma": gamma,
    }


@cache
def jax_losses() -> Elementwise:
    """Return the loss of each sample by JAX's functions and the distributions of jax.scipy."""
    import jax

    jnp, stats, xlogy = jax.numpy, jax.scipy.stats, jax.scipy.special.xlogy

    def log_loss(z: Any, a: Any, y: Any, last: str) -> Any:
        if last == "softmax":
            return -(y * jax.nn.log_softmax(z)).sum(1)
        assert last == "sigmoid"
        return -(y * jax.nn.log_sigmoid(z) + (1 - y) * jax.nn.log_sigmoid(-z)).sum(1)

    def huber(z: Any, a: Any, y: Any, last: str, delta: float) -> Any:
        # The square of what is inside ±δ, and the slope δ for the rest.
        inside = jnp.clip(y - a, -delta, delta)
        return (inside**2 / 2 + delta * jnp.abs(y - a - inside)).mean(1)

    def quantile(z: Any, a: Any, y: Any, last: str, level: float) -> Any:
        return (level * jax.nn.relu(y - a) + (1 - level) * jax.nn.relu(a - y)).mean(1)

    return {
        "mse": lambda z, a, y, last: jnp.square(a - y).mean(1),
        "half_mse": lambda z, a, y, last: jnp.square(a - y).sum(1) / 2,
        "mae": lambda z, a, y, last: jnp.abs(a - y).mean(1),
        "huber": huber,
        "quantile": quantile,
        "log_loss": log_loss,
        "poisson": lambda z, a, y, last: (a - y + xlogy(y, y) - xlogy(y, a)).mean(1),
        "gamma": lambda z, a, y, last: (-stats.gamma.logpdf(y, 1.0, scale=a) - jnp.log(y) - 1).mean(
            1
        ),
    }
