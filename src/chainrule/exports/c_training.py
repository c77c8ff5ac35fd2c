"""A network that goes on learning in C: its parameters, its prediction, one step of SGD.

All arrays belong to the caller or are on the stack. The statements are those of the Plans that
training runs (`c_network`); targets come in as they are in the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from chainrule.exports.c_network import BATCH, PlanInC
from chainrule.exports.c_steps import StepsInC
from chainrule.exports.c_text import Arithmetic, array
from chainrule.exports.learned_network import Learned, input_widths, steps_before
from chainrule.exports.prediction_steps import Prediction

__all__ = ["TrainingInC"]

_BYTES = {"double": 8, "float": 4}


class TrainingInC:
    """The functions model_start, model_features, model_network and model_train_step."""

    def __init__(
        self, prediction: Prediction, learned: Learned, kinds: Mapping[str, str], *, libm: bool
    ) -> None:
        self.prediction, self.learned = prediction, learned
        self.real = learned.real
        self.arithmetic = Arithmetic(self.real, libm)
        self.widths = input_widths(learned.network)
        self.features = StepsInC(
            replace(prediction, steps=steps_before(prediction, learned), output=learned.source),
            kinds,
            Arithmetic("double", libm),
        )
        self.forward = PlanInC(learned.forward, learned, self.arithmetic, "1")
        self.step = PlanInC(learned.training, learned, self.arithmetic, BATCH)
        self.arrays = self.forward.arrays | self.step.arrays

    @property
    def targets(self) -> int:
        """How many numbers are the target of a row: the index of a class, or its numbers."""
        return 1 if self.prediction.labels else self.learned.width

    @property
    def count(self) -> int:
        """The number of parameters."""
        return int(self.learned.parameters.flat.size)

    # -- figures -----------------------------------------------------------------------------------

    @property
    def flash(self) -> int:
        """The bytes of the trained parameters, of constant arrays and of the targets' scale."""
        numbers = self.count + sum(a.size for a in self.arrays.values())
        scale = self.prediction.target_scale
        return _BYTES[self.real] * numbers + (0 if scale is None else 16 * scale[0].size)

    @property
    def ram(self) -> int:
        """The bytes on the stack for the network, while a prediction runs."""
        own = sum(self.widths) + self.learned.width
        inner = max(8 * self.features.size, _BYTES[self.real] * sum(self.forward.memory))
        return _BYTES[self.real] * own + inner

    @property
    def learning(self) -> tuple[int, int]:
        """The bytes of the parameters, and on the stack while a step on one row runs."""
        return _BYTES[self.real] * self.count, self.step_ram(1)

    def step_ram(self, batch: int) -> int:
        """Return the bytes on the stack while a step of so many rows runs."""
        once, for_each = self.step.memory
        own = batch * (sum(self.widths) + self.learned.width) + self._row
        numbers = _BYTES[self.real] * (once + batch * for_each + own)
        return numbers + 8 * self.features.size

    @property
    def _row(self) -> int:
        """The length of the array with one row's inputs, which several inputs need."""
        return sum(self.widths) if len(self.widths) > 1 else 0

    # -- texts -------------------------------------------------------------------------------------

    def interface(self) -> Iterator[str]:
        """Yield the lines of the comment."""
        real = self.real
        size, first = self.learning
        labels = self.prediction.labels
        yield f"   void model_start({real} *parameters)"
        yield "   copies the trained parameters, MODEL_PARAMETERS of them, into the caller's array:"
        yield f"   {size} bytes of RAM. model_predict takes them, or the constant model_parameters."
        yield ""
        yield f"   {real} model_train_step({real} *parameters, const double *numbers,"
        yield "       const char *const *texts, const double *targets, " + f"{real} rate)"
        yield "   takes one step of gradient descent on MODEL_BATCH rows (1, if not defined before"
        yield "   the first inclusion) and returns the loss before it. The cells of a row follow on"
        yield "   those of the row before; so do the targets, MODEL_TARGETS for each row:"
        if labels:
            yield "   the index of the row's class in model_labels. With another number nothing"
            yield "   changes, and the result is NAN."
        else:
            unit = "in their own units" if self.prediction.target_scale else "of the network"
            yield f"   the targets {unit}. With NAN nothing changes, and the result is NAN."
        further = self.step_ram(2) - first
        yield f"   Working memory: {first} bytes of stack while a step runs, and {further}"
        yield "   more for each further row of MODEL_BATCH."

    def definitions(self) -> str:
        """Return the definitions of sizes."""
        return (
            f"#define MODEL_PARAMETERS {self.count}\n"
            f"#define MODEL_FEATURES {sum(self.widths)}\n"
            f"#define MODEL_TARGETS {self.targets}\n"
            f"#ifndef {BATCH}\n#define {BATCH} 1\n#endif\n"
        )

    def tables(self) -> Iterator[str]:
        """Yield the trained parameters, constant arrays and the scale of the targets."""
        flat = self.learned.parameters.flat.astype(np.float64)
        yield array("model_parameters", flat, self.real)
        for name, values in self.arrays.items():
            yield array(name, values, self.real)
        if self.prediction.target_scale is not None:
            mean, deviation = self.prediction.target_scale
            yield array("model_target_mean", mean, "double")
            yield array("model_target_deviation", deviation, "double")

    def functions(self) -> str:
        """Return the functions."""
        parts = (self._start(), self._features(), self._network(), self._train_step())
        return "\n\n".join("\n".join(lines) for lines in parts) + "\n"

    def _start(self) -> Iterator[str]:
        yield f"static inline void model_start({self.real} *parameters)"
        yield "{"
        yield "    memcpy(parameters, model_parameters, sizeof model_parameters);"
        yield "}"

    def _features(self) -> Iterator[str]:
        yield "/* The inputs of the network for one row. */"
        yield "static inline void model_features(const double *numbers, const char *const *texts,"
        yield f"                                  {self.real} *x)"
        yield "{"
        yield f"    double work[{self.features.size}];"
        yield "    int i, j;"
        yield "    (void)numbers;"
        yield "    (void)texts;"
        yield "    (void)j;"
        yield from (f"    {line}" for line in self.features.lines)
        yield "    for (i = 0; i < MODEL_FEATURES; ++i)"
        yield f"        x[i] = ({self.real}){self.features.answer};"
        yield "}"

    def _network(self) -> Iterator[str]:
        yield "/* The outputs of the network for one row. */"
        real = self.real
        yield f"static inline void model_network(const {real} *parameters, const {real} *x,"
        yield f"                                 {real} *a)"
        yield "{"
        yield f"    {real} work[{max(1, sum(self.forward.memory))}];"
        yield "    (void)parameters;"
        yield from (f"    {line}" for line in self.forward.lines)
        start = 0
        heads = zip(self.learned.forward.outputs, self.learned.network.outputs, strict=True)
        for name, node in heads:
            pointer = self.forward.pointer_to(name)
            yield f"    for (int i = 0; i < {node.width}; ++i) a[{start} + i] = {pointer}[i];"
            start += node.width
        yield "}"

    def _train_step(self) -> Iterator[str]:
        real, (once, for_each) = self.real, self.step.memory
        yield f"static inline {real} model_train_step({real} *parameters, const double *numbers,"
        yield "    const char *const *texts, const double *targets, " + f"{real} rate)"
        yield "{"
        yield f"    {real} x[{BATCH} * MODEL_FEATURES], y[{BATCH} * {self.learned.width}];"
        yield f"    {real} work[{BATCH} * {for_each} + {once}];"
        if self._row:
            yield f"    {real} all[MODEL_FEATURES];"
        yield f"    for (int row = 0; row < {BATCH}; ++row) {{"
        yield "        const double *const target = targets + row * MODEL_TARGETS;"
        yield from (f"        {line}" for line in self._row_targets())
        yield from (f"        {line}" for line in self._row_features())
        yield "    }"
        yield from (f"    {line}" for line in self.step.lines)
        yield f"    return {self.step.pointer_to(self.learned.training.loss)}[0];"
        yield "}"

    def _row_targets(self) -> Iterator[str]:
        """Yield the statements that check and convert the targets of one row."""
        real, labels = self.real, self.prediction.labels
        if labels:
            classes = " && ".join(f"target[0] != {index}.0" for index in range(len(labels)))
            if len(labels) > 2:  # a comparison for each class would be long
                yield "int known = 0;"
                yield f"for (int i = 0; i < {len(labels)}; ++i) known |= target[0] == (double)i;"
                classes = "!known"
            yield f"if ({classes}) return ({real})NAN;"
        else:
            yield "for (int i = 0; i < MODEL_TARGETS; ++i)"
            yield f"    if (target[i] != target[i]) return ({real})NAN;"
        start = 0
        for node in self.learned.network.outputs:
            width = node.width
            if labels and width > 1:
                text = f"target[0] == (double)i ? ({real})1 : ({real})0"
            elif labels:
                text = f"({real})target[0]"
            elif self.prediction.target_scale is not None:
                text = (
                    f"({real})((target[{start} + i] - model_target_mean[{start} + i])"
                    f" / model_target_deviation[{start} + i])"
                )
            else:
                text = f"({real})target[{start} + i]"
            at = f"{BATCH} * {start} + row * {width} + i"
            yield f"for (int i = 0; i < {width}; ++i) y[{at}] = {text};"
            start += width

    def _row_features(self) -> Iterator[str]:
        """Yield the statements that compute the inputs of one row."""
        numbers, texts = (
            sum((column.kind == "text") == is_text for column in self.prediction.columns)
            for is_text in (False, True)
        )
        # An offset from NULL has no meaning, not even one of 0.
        cells = [
            f"{name} + row * {define}" if count else name
            for name, count, define in (
                ("numbers", numbers, "MODEL_NUMBERS"),
                ("texts", texts, "MODEL_TEXTS"),
            )
        ]
        into = "all" if self._row else "x + row * MODEL_FEATURES"
        yield f"model_features({', '.join(cells)}, {into});"
        start = 0
        for width in self.widths if self._row else ():
            at = f"{BATCH} * {start} + row * {width} + i"
            yield f"for (int i = 0; i < {width}; ++i) x[{at}] = all[{start} + i];"
            start += width
