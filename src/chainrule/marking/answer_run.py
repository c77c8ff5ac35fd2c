"""One pass through the statements of an answer, with what they have assigned so far."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from chainrule.errors import InputError
from chainrule.language.refusals import Refusal
from chainrule.marking.answer_values import AnswerValues, is_alias, is_less_target, with_values
from chainrule.marking.answer_verdicts import StatementVerdict
from chainrule.marking.equation_sequence import EquationSequence
from chainrule.marking.matlab_notation import MatlabUse, most, numbers_of_sums, use_of
from chainrule.marking.parser import ParsedEquation, parse_statement
from chainrule.marking.python_calls import is_function
from chainrule.marking.python_sources import ReadStatement
from chainrule.marking.pytorch_weights import has_inputs_as_rows, with_its_weights
from chainrule.marking.quantities import (
    LEARNING_RATE,
    LOSS,
    OUTPUT_COUNT,
    SAMPLE_COUNT,
    Quantity,
    Role,
    applied_activations,
    cotangent,
)
from chainrule.marking.syntax import Binary, Constant, Name, Tree, nodes
from chainrule.marking.tokens import tokens
from chainrule.marking.verdict_messages import MessagePart
from chainrule.marking.verdicts import LineVerdict
from chainrule.marking.vocabulary import Vocabulary
from chainrule.marking.zero_arrays import has_shape

_OF_LAYERS = (Role.PRE_ACTIVATION, Role.ACTIVATION)


class AnswerRun:
    """Marks the statements of an answer in order, in one meaning of its names."""

    def __init__(
        self,
        sequence: EquationSequence,
        vocabulary: Vocabulary,
        statements: Sequence[ReadStatement],
    ) -> None:
        self.sequence, self.vocabulary, self.statements = sequence, vocabulary, statements
        self.scopes: dict[int, AnswerValues] = {0: AnswerValues()}
        self.parts: dict[tuple[int, Quantity], list[int]] = {}
        """The statements that begin a quantity, by their positions."""
        self.computed: set[Quantity] = set()
        """The quantities that statements compute."""
        self.used: set[Quantity] = set()
        """The derivatives that statements use."""
        self.assumed: set[Quantity] = set()
        """The derivatives that a statement changes before any computes them."""
        self.first = self._first_positions()
        self.named_values = {quantity for _, quantity in self.first}
        """The values and derivatives that have statements of their own."""
        self.repairs = True
        """Whether the mistakes of wrong statements are looked for."""
        self.gives = False
        """Whether a variable with a mistake counts once, in the first statement that has it."""
        self.found: list[StatementVerdict] = []
        self.changes = [self._changed(statement) for statement in statements]
        uses = {*map(_use_of_matlab, statements)}
        is_typed = all(each.equation.isascii() for each in statements)
        has_signs = bool(uses - {"none"})
        found: MatlabUse = "whole" if "whole" in uses and is_typed else "stars"
        axes: MatlabUse = "axes" if "2" in numbers_of_sums(_text_of(statements)) else "none"
        self.matlab = most(vocabulary.convention.matlab, found if has_signs else axes)
        self.is_program = has_signs
        """Whether statements without a syntax tree are executed in their order, as in MATLAB."""

    def with_given_variables(self) -> "AnswerRun":
        """Return a run of the same reading in which a variable with a mistake counts once."""
        run = AnswerRun(self.sequence.begun_again(), self.vocabulary, self.statements)
        run.gives = True
        return run

    def score(self) -> tuple[int, int]:
        """Return how good a reading is: the count of faults, negative, and that of right ones."""
        self.repairs = False
        outcomes = [each.outcome for each in self.verdicts()]
        faults = outcomes.count("wrong") + outcomes.count("unread")
        return -faults, outcomes.count("right")

    def verdicts(self) -> list[StatementVerdict]:
        """Return the verdicts on all statements."""
        group, before = -1, self._values(0).copied()
        updated = dict(self.sequence.updated)
        for position, statement in enumerate(self.statements):
            values = self._values(statement.scope)
            if statement.group != group:
                group, before = statement.group, values.copied()
                updated = dict(self.sequence.updated)
            try:
                if statement.refusal is not None:
                    raise statement.refusal
                self._mark(position, statement, before.copied(), values, updated)
            except InputError as error:
                self._unread(statement, values, error)
        return self.found

    def _values(self, scope: int) -> AnswerValues:
        """Return the values of a function, which begins with those of the program around it."""
        if scope not in self.scopes:
            self.scopes[scope] = self.scopes[0].copied()
        return self.scopes[scope]

    # -- statements ----------------------------------------------------------------------------

    def _changed(self, statement: ReadStatement) -> Quantity | None:
        """Return the quantity whose value a statement changes, as ``dh *= …`` does."""
        quantity = self.vocabulary.quantity(statement.left) if statement.left else None
        if quantity is None or quantity.is_parameter or quantity.is_memory:
            return None
        try:
            words = [token.text for token in tokens(statement.equation)[1:] if token.kind == "word"]
        except InputError:
            return None
        return quantity if quantity in map(self.vocabulary.quantity, words) else None

    def _first_positions(self) -> dict[tuple[int, Quantity], int]:
        """Return where each function first computes a quantity."""
        found: dict[tuple[int, Quantity], int] = {}
        for position, statement in enumerate(self.statements):
            quantity = self.vocabulary.quantity(statement.left) if statement.left else None
            if quantity is not None and not (quantity.is_parameter or quantity.is_memory):
                found.setdefault((statement.scope, quantity), position)
        return found

    def _used_too_early(
        self, position: int, trees: Sequence[Tree], variables: Mapping[str, Tree]
    ) -> LineVerdict | None:
        """Return the verdict on a derivative that is used before the statement that computes it."""
        statement = self.statements[position]
        names = (node for tree in trees for node in nodes(tree) if isinstance(node, Name))
        for name in names:
            if self._is_unbound(position, name):
                part = MessagePart("order", {"name": name.text})
                return LineVerdict(statement.equation, False, "order", message_parts=(part,))
            if name.text in variables or name.quantity.role is not Role.COTANGENT:
                continue
            self.used.add(name.quantity)
            first = self.first.get((statement.scope, name.quantity), -1)
            if first == position and name.quantity not in self.computed:
                self.assumed.add(name.quantity)
            if first == position and self._begins_with_itself(statement, name, trees):
                part = MessagePart("order_start", {"name": name.text, "of": str(name.quantity.of)})
                return LineVerdict(statement.equation, False, "order", message_parts=(part,))
            if (statement.is_ordered or self.is_program) and first > position:
                part = MessagePart("order", {"name": name.text})
                return LineVerdict(statement.equation, False, "order", message_parts=(part,))
        return None

    def _is_unbound(self, position: int, name: Name) -> bool:
        """Return whether a count, or in a function a layer's value, gets its value only later."""
        statement = self.statements[position]
        is_count = name.quantity in (SAMPLE_COUNT, OUTPUT_COUNT)
        is_local = statement.scope > 0 and name.quantity.role in _OF_LAYERS
        if not (statement.is_ordered and (is_count or is_local)):
            return False
        given = [n for n, each in enumerate(self.statements) if each.left == name.text]
        own = [n for n in given if self.statements[n].scope == statement.scope]
        return bool(own) and min(given) > position

    def _begins_with_itself(
        self, statement: ReadStatement, name: Name, trees: Sequence[Tree]
    ) -> bool:
        """Return whether dW += … is the first statement about dW: it has no value to add to."""
        quantity, values = name.quantity, self._values(statement.scope)
        if not statement.is_ordered or quantity in {*values.unread, *self.computed}:
            return False
        is_sum = any(isinstance(t, Binary) and t.operation in ("add", "subtract") for t in trees)
        return is_sum and quantity.of is not None and quantity.of.is_parameter

    def _is_changed_later(self, position: int, quantity: Quantity) -> bool:
        scope = self.statements[position].scope
        for later, changed in zip(
            self.statements[position + 1 :], self.changes[position + 1 :], strict=True
        ):
            if later.scope == scope and later.left:
                if changed == quantity:
                    return True
                if self.vocabulary.quantity(later.left) == quantity:
                    return False
        return False

    def _mark(
        self,
        position: int,
        statement: ReadStatement,
        before: AnswerValues,
        values: AnswerValues,
        updated: dict[Quantity, Quantity],
    ) -> None:
        if statement.returned:
            self._mark_order(statement)
            return
        if statement.lost:
            self._mark_lost(statement)
            return
        if not statement.equation:
            raise Refusal("answer_statement", text=(statement.text,))
        if statement.zeros and not self._has_shape(statement):
            return
        left = statement.left
        is_named = is_function(left) or self.vocabulary.function(left) is not None
        if is_named and self.vocabulary.quantity(left) is None:
            raise Refusal("answer_function", text=(left,))
        known = {**before.variables}
        equations = parse_statement(statement.equation, self.vocabulary, known, matlab=self.matlab)
        for name, tree in known.items():
            if before.variables.get(name) is not tree:
                whole = with_values(tree, before.unfinished)
                values.variables[name] = self.sequence.named(name, whole)
                self._change_also(statement, values, whole)
        if not equations:
            own = [tree for name, tree in known.items() if before.variables.get(name) is not tree]
            early = self._used_too_early(position, own, before.variables)
            self._add(statement, "own" if early is None else "wrong", early)
        for equation in equations:
            self._mark_equation(position, statement, equation, before, values, updated)

    @cached_property
    def has_pytorch_weights(self) -> bool:
        """Whether no statement tells that weights have their inputs as rows, unlike PyTorch's."""
        return not has_inputs_as_rows(self.statements, self.vocabulary)

    def _change_also(self, statement: ReadStatement, values: AnswerValues, tree: Tree) -> None:
        """Change the value of the other name of an array that a statement changes."""
        values.changed(self.vocabulary.quantity(statement.also), tree)
        if statement.also in values.variables:
            values.variables[statement.also] = tree

    def _has_shape(self, statement: ReadStatement) -> bool:
        """Return whether zeros have the shape of the gradient that they begin; else add a fault."""
        quantity = self.vocabulary.quantity(statement.left)
        of = None if quantity is None else quantity.of
        if of is None or not of.is_parameter:
            raise self.vocabulary.unknown("zeros")
        context = self.sequence.marker("step").context
        if has_shape(statement.zeros, of, context.network, context.layout):
            return True
        part = MessagePart("zeros_shape", {"of": str(of)})
        verdict = LineVerdict(statement.text, False, "shape", message_parts=(part,))
        self._add(statement, "wrong", verdict)
        return False

    def _mark_order(self, statement: ReadStatement) -> None:
        """Add a fault where values that a function returns get the names of others."""
        for position, (returned, taken) in enumerate(statement.returned, 1):
            quantities = self.vocabulary.quantity(returned), self.vocabulary.quantity(taken)
            if None not in quantities and quantities[0] != quantities[1]:
                values = {"returned": returned, "taken": taken, "position": str(position)}
                part = MessagePart("order_returned", values)
                verdict = LineVerdict(statement.text, False, "order", message_parts=(part,))
                self._add(statement, "wrong", verdict)
                return

    def _mark_lost(self, statement: ReadStatement) -> None:
        """Add a fault where gradients end with a function that neither returns nor stores any."""
        results = tuple(filter(self._is_result, statement.lost))
        if results and not any(map(self._is_result, statement.stored)):
            part = MessagePart("returned_none", {"lost": results})
            verdict = LineVerdict(statement.text, False, "returned", message_parts=(part,))
            self._add(statement, "wrong", verdict)

    def _is_result(self, name: str) -> bool:
        """Return whether a name is a parameter or its gradient, which a backward pass is for."""
        quantity = self.vocabulary.quantity(name)
        if quantity is None:
            return False
        of = quantity.of if quantity.role is Role.COTANGENT else quantity
        return of is not None and of.is_parameter

    def _mark_equation(
        self,
        position: int,
        statement: ReadStatement,
        equation: ParsedEquation,
        before: AnswerValues,
        values: AnswerValues,
        updated: dict[Quantity, Quantity],
    ) -> None:
        left, last = equation.left.quantity, equation.rights[-1]
        if is_alias(equation) or self._is_setting(equation):
            return
        changes = self.changes[position] == left
        if changes and left in before.unread:
            raise Refusal("answer_after_unread", text=equation.left.text)
        early = self._used_too_early(position, equation.rights, before.variables)
        self.computed.add(left)
        rights = tuple(with_values(tree, before.unfinished) for tree in equation.rights)
        equation = replace(equation, rights=rights)
        self._change_also(statement, values, rights[-1])
        is_other = left in before.others or is_less_target(left, last)
        if statement.is_ordered and changes and early is None and is_other:
            values.changed(left, rights[-1])
            self._add(statement, "own")
            return
        values.others.discard(left)
        key = (statement.scope, left)
        may_change = not (left.is_parameter or left.is_memory)
        later = may_change and self._is_changed_later(position, left)
        now = self.sequence.updated
        self.sequence.updated = dict(updated)
        verdict = self._verdict(statement.equation, equation, quick=later)
        if self.gives and not (verdict.correct or later or early):
            verdict = self._with_given(statement, equation, verdict, values, updated)
        self.sequence.updated = {**now, **self.sequence.updated}
        values.unread.discard(left)
        values.unfinished.pop(left, None)
        verdict = early or verdict
        if verdict.correct and not self.has_pytorch_weights:
            verdict = with_its_weights(verdict)
        if early is not None and early.message_parts[0].key == "order_start":
            begun = with_values(last, {**before.unfinished, left: Constant(0.0, "0")})
            values.unfinished[left] = begun  # what follows is judged as if the sum began at 0
            self._add(statement, "wrong", early)
            return
        if later:
            values.unfinished[left] = with_values(last, before.unfinished)
            if not verdict.correct and early is None:
                self.parts.setdefault(key, []).append(len(self.found))
                self._add(statement, "own")
                return
        elif not verdict.correct and changes and self._is_slope_applied(equation):
            values.unfinished[left] = rights[-1]  # later uses see what it really is
            verdict = LineVerdict(statement.equation, True, "right")
        if verdict.correct:
            for index in self.parts.pop(key, []):
                self.found[index] = replace(self.found[index], outcome="right")
            self._add(statement, "right", None if later else verdict)
        else:
            self.parts.pop(key, None)
            self._add(statement, "wrong", verdict)

    def _with_given(
        self,
        statement: ReadStatement,
        equation: ParsedEquation,
        verdict: LineVerdict,
        values: AnswerValues,
        updated: dict[Quantity, Quantity],
    ) -> LineVerdict:
        """Return the verdict on a wrong equation where variables are what they were to be."""

        def is_right(changed: ParsedEquation) -> bool:
            self.sequence.updated = dict(updated)
            return self.sequence.is_right(changed)

        given = values.given.applied(equation)
        if is_right(given):
            return LineVerdict(statement.equation, True, "right")
        if values.given.meant and given.rights != equation.rights:
            self.sequence.updated = dict(updated)
            verdict = self._verdict(statement.equation, given, quick=False)
        known = self.sequence.marker("step").examples[0].values.values
        free = [quantity for quantity in known if quantity not in self.named_values]
        values.given.blame(equation, values.variables, free, is_right)
        return verdict

    def _verdict(self, text: str, equation: ParsedEquation, quick: bool) -> LineVerdict:
        if self.repairs and not quick:
            found = self.sequence.verdict(text, equation)
            convention, self.sequence.convention_verdict = self.sequence.convention_verdict, None
            return convention or found
        correct = self.sequence.is_right(equation)
        return LineVerdict(text, correct, "right" if correct else "different")

    def _is_slope_applied(self, equation: ParsedEquation) -> bool:
        """Return whether da *= f′(z) has made da the δ of its layer."""
        of = equation.left.quantity.of
        if equation.left.quantity.role is not Role.COTANGENT:
            return False
        for applied in applied_activations(self.vocabulary.network):
            if applied.output == of:
                left = replace(equation.left, quantity=cotangent(applied.argument))
                return self.sequence.is_right(replace(equation, left=left))
        return False

    def _is_setting(self, equation: ParsedEquation) -> bool:
        """Return whether a statement only gives a constant its number: lr = 0.1."""
        right = equation.rights[0]
        if len(equation.rights) > 1 or not isinstance(right, Constant) or right.value <= 0:
            return False
        left = equation.left.quantity
        return left == LEARNING_RATE or left in self._constants

    @property
    def _constants(self) -> set[Quantity]:
        letters = self.vocabulary.rule.constants(0)
        return {*letters} - {SAMPLE_COUNT, OUTPUT_COUNT, LOSS}

    # -- verdicts ------------------------------------------------------------------------------

    def _add(
        self, statement: ReadStatement, outcome: str, verdict: LineVerdict | None = None
    ) -> None:
        found = StatementVerdict(statement.number, statement.text, outcome, verdict)  # type: ignore[arg-type]
        self.found.append(found)

    def _unread(self, statement: ReadStatement, values: AnswerValues, error: InputError) -> None:
        """Add a statement that is not read; what it assigns is not known."""
        reason = error if isinstance(error, Refusal) else Refusal("answer_other", text=str(error))
        for name in filter(None, (statement.left, *statement.touched)):
            values.variables.pop(name, None)
            quantity = self.vocabulary.quantity(name)
            if quantity is not None:
                values.unfinished.pop(quantity, None)
                values.unread.add(quantity)
        self.found.append(
            StatementVerdict(statement.number, statement.text, "unread", reason=reason)
        )


def _text_of(statements: Sequence[ReadStatement]) -> str:
    return "\n".join(each.text for each in statements)


def _use_of_matlab(statement: ReadStatement) -> MatlabUse:
    """Return what of MATLAB's rules holds in a statement, nothing in a program in Python."""
    if statement.is_ordered or not statement.equation:
        return "none"
    try:
        return use_of(statement.equation, tokens(statement.equation))
    except InputError:
        return "none"
