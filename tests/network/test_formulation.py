"""A formulation is refused where it cannot be computed or differentiated, naming the symbol."""

import pytest

from chainrule.errors import InputError
from chainrule.formulas.axes import Axis
from chainrule.formulas.differentiate import Equation
from chainrule.formulas.expressions import Symbol, product, total
from chainrule.network.formulation import Formulation

B, I, H = Axis("B", -1), Axis("i", 0), Axis("h", 1)
X, W, Z, L = Symbol("X", (B, I)), Symbol("W", (I, H)), Symbol("Z", (B, H)), Symbol("Loss")
FIRST, LAST = Equation(Z, product(X, W, over=[I])), Equation(L, total(Z**2, B, H))


def formulation(*equations: Equation, **changed) -> Formulation:
    known = {
        "loss": L,
        "parameters": (W,),
        "inputs": (X,),
        "output": Z,
        "data_loss": L,
    }
    return Formulation(equations=equations, **{**known, **changed})


def test_what_can_be_computed_in_order_is_accepted():
    made = formulation(FIRST, LAST, deltas=frozenset({Z}))
    assert made.defined == {Z: FIRST.right, L: LAST.right}
    assert made.axes == (B, I, H)


def refusal(*equations: Equation, **changed) -> str:
    with pytest.raises(InputError) as caught:
        formulation(*equations, **changed)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_what_is_used_before_it_is_defined_is_named():
    message = refusal(LAST, FIRST)
    assert "Z is used in the equation of Loss before it is defined" in message


def test_what_is_given_by_nobody_is_named():
    message = refusal(FIRST, LAST, inputs=())
    assert "X is used in the equation of Z" in message
    assert "inputs or parameters" in message


def test_an_equation_may_not_use_what_it_defines():
    again = Equation(Z, Z + product(X, W, over=[I]))
    assert "Z is used in the equation of Z" in refusal(again, LAST)


def test_loss_and_output_have_to_be_defined():
    assert "no equation defines Loss" in refusal(FIRST)
    assert "no equation defines A" in refusal(FIRST, LAST, output=Symbol("A", (B, H)))
    assert "no equation defines D" in refusal(FIRST, LAST, data_loss=Symbol("D"))


def test_a_symbol_is_its_name_and_its_axes():
    # The same name over other axes would be another array under one name.
    wrong = Equation(L, total(Symbol("Z", (B, I)) ** 2, B, I))
    assert "Z" in refusal(FIRST, wrong)


def test_no_symbol_is_defined_twice():
    assert "Z" in refusal(FIRST, FIRST, LAST)
    assert "W" in refusal(FIRST, Equation(W, W * 2), LAST)
    assert "W" in refusal(FIRST, LAST, inputs=(X, W))


def test_the_loss_is_one_number():
    each = Symbol("Loss", (B,))
    assert "Loss" in refusal(FIRST, Equation(each, total(Z**2, H)), loss=each, data_loss=each)


def test_the_axes_of_both_sides_agree():
    # A side with an axis that the other lacks would be dropped or never computed.
    assert "Z" in refusal(Equation(Symbol("Z", (B,)), FIRST.right), LAST, output=Symbol("Z", (B,)))


def test_cotangents_are_called_delta_where_that_is_their_name():
    made = formulation(FIRST, LAST, deltas=frozenset({Z}))
    assert made.cotangent(W) == Symbol("∂Loss/∂W", (I, H))
    assert made.cotangent(Z) == Symbol("δ", (B, H))
    z_h = Symbol("z_h", (H,))
    named = formulation(FIRST, LAST, deltas=frozenset({z_h}))
    assert named.cotangent(z_h) == Symbol("δ_h", (H,))


def test_what_is_computed_or_trained_has_two_axes_at_most():
    cube = Symbol("T", (B, I, H))
    square = Equation(L, total(cube**2, B, I, H))
    assert "T has 3 axes" in refusal(square, parameters=(cube,), inputs=(X,), output=L)
