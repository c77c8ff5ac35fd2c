"""Mathematics itself: expressions over named axes, their derivatives, matrix form and print."""

from chainrule.formulas import render

__all__ = ["render"]
