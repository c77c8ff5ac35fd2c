"""Generated kernels: C++ text for the formulas of networks over the catalogues.

``python -m chainrule.kernels.generate`` writes the files of ``cpp/generated/``; ``--check`` fails
if a committed one is not current.  It runs from the source tree, without the built core.

No formula is written by hand: networks over every activation, loss, penalty and optimizer are
derived, lowered and fused, and each resulting formula is written once, with the text of its code.
The core runs a formula with one of these texts by its kernel, every other one by the tape.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from chainrule.errors import InputError
from chainrule.formulas.axes import Axis
from chainrule.kernels.format import OPERATIONS
from chainrule.kernels.format_header import program_header
from chainrule.kernels.program_assembly import assembled
from chainrule.kernels.tape import Line, allocated
from chainrule.network import activations, losses, optimizers
from chainrule.network.architecture import Network
from chainrule.network.gradients import differentiate
from chainrule.network.layers import Activate, Dense, Input
from chainrule.network.normalization import BatchNorm, LayerNorm
from chainrule.network.optimizers import SGD, Optimizer
from chainrule.network.penalties import L2, L2PerSample
from chainrule.network.random_layers import Dropout
from chainrule.plans.fusion.fuse import fuse
from chainrule.plans.fusion.fused_plan import FusedPlan
from chainrule.plans.plan import Plan, plan

TARGET = Path(__file__).resolve().parents[3] / "cpp" / "generated"

_WIDE, _LANES = 64, 4
_OUTPUTS = ("identity", "sigmoid", "tanh", "softplus", "exponential", "softmax", "relu")
"""Output activations whose losses get kernels; with others the loss runs on the tape."""

_EPSILON = {"float64": 2.0**-52, "float32": 2.0**-23}
"""The clipping of probabilities in the log loss that the estimators report."""


def networks() -> Iterator[tuple[Network, list[Optimizer], bool]]:
    """Yield networks that together contain the formulas in common use."""
    sgd: list[Optimizer] = [SGD(0.1)]
    for name in activations.CATALOGUE:
        if activations.CATALOGUE[name].elementwise:
            yield Network.dense([2, 2, 2, 2], activation=[name, name, "identity"]), sgd, False
    for loss in losses.CATALOGUE:
        for output in _OUTPUTS:
            try:
                yield Network.dense([2, 2], activation=[output], loss=loss), sgd, False
                yield Network.dense([2, 2], activation=[output], loss=loss), sgd, True
            except InputError:
                continue  # the loss is not defined for these outputs
    for name in ("float64", "float32"):
        clipped = losses.log_loss(_EPSILON[name])
        for output in ("sigmoid", "softmax"):
            for weighted in (False, True):
                network = Network.dense([2, 2], activation=[output], loss=clipped)
                yield network, sgd, weighted
    for name in ("relu", "silu", "gelu", "tanh"):
        for network in _with_normalization(name):
            yield network, sgd, False
    rules: list[Optimizer] = [rule(0.1) for rule in optimizers.CATALOGUE.values()]
    rules += [SGD(0.1, momentum=0.9), SGD(0.1, momentum=0.9, nesterov=True)]
    yield Network.dense([2, 2], activation="identity"), rules, False
    yield Network.dense([2, 2], activation="identity", penalty=L2(0.1)), rules, False
    yield Network.dense([2, 2], activation="identity", penalty=L2PerSample(0.1)), rules, False
    yield Network.dense([2, 2], activation="identity", penalty=L2PerSample(0.1)), rules, True


def _with_normalization(name: str) -> Iterator[Network]:
    """Yield the usual blocks with normalization, skip connections and dropout."""
    x = Input(2)
    h = Dense(2, name)(x)
    for _ in range(2):
        h = h + Dense(2, name)(LayerNorm()(h))
    h = h + Dense(2)(Dropout(0.5)(Dense(2, name)(LayerNorm()(h))))
    yield Network(x, Dense(2)(h))
    h = x
    for _ in range(2):
        h = Dropout(0.5)(Activate(name)(BatchNorm()(Dense(2)(h))))
    yield Network(x, Dense(2)(h))


def texts() -> list[str]:
    """Return the text of every formula, each once."""
    found: dict[str, None] = {}
    for network, rules, weighted in networks():
        gradients = differentiate(network.formulation(weighted=weighted))
        plans: list[tuple[Plan, list[str]]] = []
        for rule in rules:
            whole = plan(gradients, rule)
            plans.append((whole, [whole.loss, whole.data_loss]))
        without_rule = plan(gradients)
        plans.append((without_rule, [without_rule.loss, *without_rule.gradients.values()]))
        plans.append((without_rule.only(without_rule.data_loss), [without_rule.data_loss]))
        plans.append((without_rule.forward(), [without_rule.output]))
        for lowered, wanted in plans:
            fused = fuse(lowered, wanted)
            for narrow in (False, True):
                program = assembled(fused, _sizes(fused, narrow), _LANES)
                found |= dict.fromkeys(text for text in program.texts if not _trivial(text))
    return list(found)


def _trivial(text: str) -> bool:
    return text.count(";") < 2  # a copy or a plain sum: the tape is as fast


def _sizes(fused: FusedPlan, narrow: bool) -> dict[Axis, int]:
    axes = fused.plan.formulation.axes
    last = max(axes, key=lambda axis: axis.position)
    return {axis: 1 if narrow and axis == last else _WIDE for axis in axes}


def kernel(number: int, text: str) -> str:
    """Return the C++ function of one formula."""
    before: list[str] = []
    by_row: list[str] = []
    inside: list[str] = []
    onward: list[str] = []
    after: list[str] = []
    for index, entry in enumerate(text.split("; ")):
        name, *words = entry.split()
        match name:
            case "operand" if words[1] == "v":
                before.append(f"const T* p{words[0]} = c.in[{words[0]}];")
                before.append(f"const std::ptrdiff_t d{words[0]} = c.step[{words[0]}];")
                onward.append(f"p{words[0]} += d{words[0]};")
                inside.append(f"const V r{index} = load_unaligned<T>(p{words[0]} + j);")
            case "operand":
                before.append(f"const T* p{words[0]} = c.in[{words[0]}];")
                before.append(f"const std::ptrdiff_t d{words[0]} = c.step[{words[0]}];")
                by_row.append(f"const V r{index} = broadcast<T>(*p{words[0]});")
                onward.append(f"p{words[0]} += d{words[0]};")
            case "scalar":
                before.append(f"const V r{index} = broadcast<T>(c.scalar[{words[0]}]);")
            case "constant":
                before.append(f"const V r{index} = broadcast<T>(T({words[0]}));")
            case "store":
                before.append(f"T* q{words[1]} = c.out[{words[1]}];")
                before.append(f"const std::ptrdiff_t e{words[1]} = c.out_step[{words[1]}];")
                onward.append(f"q{words[1]} += e{words[1]};")
                inside.append(f"store_unaligned<T>(q{words[1]} + j, masked<T>(r{words[0]}, live));")
            case "sum":
                before.append(f"V s{words[1]}{{}};")
                inside.append(f"s{words[1]} += masked<T>(r{words[0]}, live);")
                after.append(f"c.sum[{words[1]}] += double(sum_lanes<T>(s{words[1]}));")
            case _:
                inside.append(f"const V r{index} = {_operation(name, words)};")
    lines = [
        "template <class T>",
        f"void formula_{number}(Call<T>& c) {{",
        "    using V = Vec<T>;",
        "    const std::ptrdiff_t rows = c.rows, columns = c.columns;",
        "    const Ints<T> last = last_lanes<T>(columns);",
        *(f"    {line}" for line in before),
        "    for (std::ptrdiff_t r = 0; r < rows; ++r) {",
        *(f"        {line}" for line in by_row),
        "        for (std::ptrdiff_t j = 0; j < columns; j += lanes<T>) {",
        "            const Ints<T> live = j + lanes<T> <= columns ? ~Ints<T>{} : last;",
        *(f"            {line}" for line in inside),
        "        }",
        *(f"        {line}" for line in onward),
        "    }",
        *(f"    {line}" for line in after),
        "}",
    ]
    return "\n".join(lines)


_LIGHT = {"add", "subtract", "multiply", "fma", "fnma", "greater"}


def light(text: str) -> bool:
    """Return whether a formula is a few steps on a product's sums and one other matrix.

    Gradient descent is, plain or with an L2 penalty, and the slope of an activation that is a
    function of its output.  Such a formula is also compiled into the product's register tile, once
    per tile shape: a third of the compile time of an instruction set.  Every other formula is
    applied to the stored product, with the same bits.
    """
    names = [entry.split()[0] for entry in text.split("; ")]
    rest = [name for name in names if name not in ("operand", "scalar", "constant")]
    return (
        text.startswith("operand 0 v")
        and " b;" not in text
        and names.count("operand") == 2
        and names.count("scalar") <= (2 if _descent(text) else 1)
        and rest.pop() == "store"
        and rest[-1] in ("multiply", "fnma")
        and (_descent(text) or 2 <= len(rest) <= 3)
        and _LIGHT.issuperset(rest)
    )


def _descent(text: str) -> bool:
    return text.split("; ")[-2].startswith("fnma")


def fused_product(number: int, text: str) -> str:
    """Return a light formula as the epilogue of a product, in the registers of its tile."""
    members: list[str] = []
    lines: list[str] = []
    for index, entry in enumerate(text.split("; ")):
        name, *words = entry.split()
        at = f"[{words[1] if name == 'store' else words[0]}]"
        match name:
            case "operand" if words[0] == "0":
                lines.append(f"const Vec<T> r{index} = sum;")
            case "operand":
                members.append(f"const T* const p = c.in{at};")
                members.append(f"const std::ptrdiff_t d = c.step{at};")
                lines.append(f"const Vec<T> r{index} = load<T>(p + row * d + column);")
            case "scalar":
                members.append(f"const Vec<T> r{index} = broadcast<T>(c.scalar{at});")
            case "constant":
                members.append(f"const Vec<T> r{index} = broadcast<T>(T({words[0]}));")
            case "store":
                members.append(f"T* const q = c.out{at};")
                members.append(f"const std::ptrdiff_t e = c.out_step{at};")
                lines.append(f"store<T>(q + row * e + column, masked<T>(r{words[0]}, live));")
            case _:
                lines.append(f"const Vec<T> r{index} = {_operation(name, words)};")
    return "\n".join(
        [
            "template <class T>",
            f"struct FusedProduct_{number} {{",
            "    static constexpr bool in_registers = true;",
            "    const Call<T>& c;",
            *(f"    {line}" for line in members),
            "    CHAINRULE_INLINE void operator()(std::ptrdiff_t row, std::ptrdiff_t column,",
            "                                     Vec<T> sum, Ints<T> live) const {",
            *(f"        {line}" for line in lines),
            "    }",
            "};",
        ]
    )


_SIGNS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}


def _operation(name: str, words: list[str]) -> str:
    registers = [f"r{word}" for word in words]
    if name in _SIGNS:
        return f"{registers[0]} {_SIGNS[name]} {registers[1]}"
    if name == "negate":
        return f"-{registers[0]}"
    return f"{name}<T>({', '.join(registers)})"


def _file(includes: list[str], body: list[str]) -> str:
    return "\n".join(
        [
            "// Written by `python -m chainrule.kernels.generate` from the catalogues of",
            "// activations, losses, penalties and optimizers. Not to be edited; scripts/check",
            "// compares it.",
            "#pragma once",
            "",
            *(f'#include "../{name}"' for name in includes),
            "",
            "namespace chainrule {",
            "inline namespace CHAINRULE_ISA_NAMESPACE {",
            "",
            *body,
            "",
            "}  // namespace CHAINRULE_ISA_NAMESPACE",
            "}  // namespace chainrule",
            "",
        ]
    )


def _types(text: str) -> list[str]:
    """Return the number types in which a formula is used."""
    foreign = {"float": str(_EPSILON["float64"]), "double": str(_EPSILON["float32"])}
    return [name for name, epsilon in foreign.items() if f"constant {epsilon};" not in text]


def formulas_file(found: list[str]) -> str:
    """Return the kernels, and a table of them for each number type."""
    body: list[str] = []
    for number, text in enumerate(found):
        body += [f"// {text}", kernel(number, text), ""]
    body += ["template <class T>", "struct Kernels;"]
    for name in ("float", "double"):
        body += ["template <>", f"struct Kernels<{name}> {{"]
        body.append(f"    static constexpr Kernel<{name}> table[] = {{")
        for number, text in enumerate(found):
            which = "formula_{}<{}>" if name in _types(text) else "taped<{1}>[{0}]"
            body.append(f"        {which.format(number, name)},")
        body += ["    };", "};"]
    lights = [text for text in found if light(text)]
    body += [
        "// The number of a light formula among the fused products; -1: none.",
        "constexpr signed char fused_product_number[] = {",
    ]
    body += [f"    {lights.index(text) if text in lights else -1}," for text in found]
    body.append("};")
    return _file(["taped.hpp"], body)


def fused_products_file(found: list[str]) -> str:
    """Return the light formulas as epilogues of products, and a table of them in order."""
    body: list[str] = []
    entries: list[str] = []
    for number, text in enumerate(filter(light, found)):
        body += [f"// {text}", fused_product(number, text), ""]
        descent = str(_descent(text)).lower()
        entries.append(f"        fused_products_of<T, FusedProduct_{number}, {descent}>,")
    body += ["template <class T>", "struct FusedProductTable {"]
    body += ["    static constexpr FusedProducts<T> table[] = {", *entries, "    };", "};"]
    return _file(["fused_products.hpp"], body)


def texts_file(found: list[str]) -> str:
    """Return the text of each formula, by which a program's formula finds its number."""
    lines = [f'    "{text}",' for text in found]
    body = ["constexpr const char* formula_texts[] = {", *lines, "};"]
    return _file(["isa.hpp", "program.hpp"], body)


def tapes_file(found: list[str]) -> str:
    """Return the code of each formula for the tape."""
    steps: list[str] = []
    begins = [0]
    constants: dict[str, int] = {}
    for text in found:
        entries = [entry.split() for entry in text.split("; ")]
        lines: list[Line] = []
        ends: list[Line] = []
        for name, *words in entries:
            if name in ("operand", "scalar", "constant"):
                lines.append((name, *words))
            else:
                entry: Line = (name, *(int(word) for word in words))
                (ends if name in ("store", "sum") else lines).append(entry)
        registers = allocated(lines, ends).of
        for index, line in enumerate(lines):
            match line:
                case ("operand", number, kind):
                    sources = [int(number), int(kind == "b")]
                case ("scalar", number):
                    sources = [int(number)]
                case ("constant", value):
                    sources = [constants.setdefault(value, len(constants))]
                case _:
                    sources = [registers[source] for source in line[1:]]
            steps.append(_step(line[0], registers[index], sources))
        steps += [_step(name, 0, [registers[source], number]) for name, source, number in ends]
        begins.append(len(steps))
    body = [
        f"constexpr Number formula_count = {len(found)};",
        "constexpr Step tape_steps[] = {",
        *(f"    {step}," for step in steps),
        "};",
        "// Where a formula's steps begin; the next one's begin where they end.",
        "constexpr Number tape_begin[] = {",
        *(f"    {begin}," for begin in begins),
        "};",
        "constexpr double tape_constants[] = {",
        *(f"    {constant}," for constant in constants),
        "};",
    ]
    return _file(["isa.hpp", "program.hpp"], body)


def _step(name: str, target: int, sources: list[int]) -> str:
    assert name in OPERATIONS
    return f"{{Operation::{name}, {', '.join(map(str, [target, *sources]))}}}"


def generated() -> dict[str, str]:
    """Return the files by their names."""
    found = texts()
    return {
        "program.inc": program_header(),
        "formulas.inc": formulas_file(found),
        "fused_products.inc": fused_products_file(found),
        "tapes.inc": tapes_file(found),
        "texts.inc": texts_file(found),
    }


def main(arguments: list[str]) -> int:
    """Write the files, or compare them."""
    if arguments not in ([], ["--check"]):
        print("usage: python -m chainrule.kernels.generate [--check]", file=sys.stderr)
        return 2
    stale = 0
    TARGET.mkdir(exist_ok=True)
    for name, fresh in generated().items():
        path = TARGET / name
        current = path.read_text(encoding="utf-8") if path.exists() else ""
        if current == fresh:
            continue  # an untouched file is not compiled again
        if arguments:
            print(f"{path} is not current: python -m chainrule.kernels.generate", file=sys.stderr)
            stale = 1
        else:
            path.write_text(fresh, encoding="utf-8")
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
