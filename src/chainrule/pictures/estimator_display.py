"""What a notebook shows of an estimator: the diagram of scikit-learn, and below it the curves."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

__all__ = ["ShowsCurves"]


class ShowsCurves:
    """A mixin, before scikit-learn's BaseEstimator, of an estimator that has ``plot``."""

    def _repr_html_inner(self) -> str:
        shown: str = super()._repr_html_inner()  # type: ignore[misc]
        return shown + self._curves_html()

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        shown: dict[str, str] = super()._repr_mimebundle_(**kwargs)  # type: ignore[misc]
        if "text/html" in shown:
            shown["text/html"] += self._curves_html()
        return shown

    def _curves_html(self) -> str:
        """Return the picture; an estimator that is not fitted, or has no epochs, has none."""
        with suppress(ValueError):
            picture: str = self.plot()._repr_html_()  # type: ignore[attr-defined]
            return picture
        return ""
