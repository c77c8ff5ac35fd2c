"""The command ``chainrule``: its verbs, and the exit codes and messages of errors.

A verb's module is imported when the verb is used. Exit codes: 0 success, 1 failure, 2 the user's
input, 130 interrupted. An error is one line on standard error; a traceback is a bug of chainrule.

Output that is lost (a full disk, a closed stream) does not stop the work: what a verb writes to
files is complete, and the exit code is 1, with one line on standard error. Where the reader of a
pipe has gone (head, less), the exit code is 1 and nothing is reported. An error that cannot be
reported, because standard error is lost, has its exit code all the same.
"""

from __future__ import annotations

import errno
import importlib
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from chainrule.command_line.output_streams import (
    make_output_last,
    open_closed_streams,
    output_failure,
)
from chainrule.command_line.shown_language import language_of_verbs
from chainrule.command_line.start_up import begin_ending, end_of_start_up
from chainrule.command_line.translated_help import TranslatedHelp
from chainrule.errors import (
    ChainruleError,
    InputError,
    InputTypeError,
    nearest,
    one_line,
    shown,
)

__all__ = ["command", "main"]

VERBS = {
    "train": "Train a network on a table, and show its score.",
    "tune": "Search for the settings that suit a table, and train with the best.",
    "cv": "Cross-validate a training: how good its models are on rows not seen.",
    "predict": "Predict with a trained model.",
    "evaluate": "Evaluate a trained model on a table with its target.",
    "derive": "Derive the backpropagation of a network.",
    "explain": "Show every number of a training step on rows of a table.",
    "check": "Mark your own line of a derivation.",
    "verify": "Check every gradient against independent methods.",
    "info": "Show the contents of a model file.",
    "report": "Show the report of a run, or compare runs on one page.",
    "export": "Write a model as a program or a file of another system.",
}
"""Each verb with its line in the list of verbs; its module has its name but for `MODULES`."""
MODULES = {"evaluate": "evaluate_model", "cv": "cross_validate"}


class CommandLine(TranslatedHelp, click.Group):
    """The group of the verbs: imports each when it is used, and prints every error on one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(
            f"chainrule.command_line.{MODULES.get(cmd_name, cmd_name)}"
        )
        end_of_start_up()
        found: click.Command = module.command
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        verb = args[0] if args else ""
        if verb and not verb.startswith("-") and verb not in VERBS:
            suggestion = nearest(verb, VERBS)
            meant = f"did you mean {suggestion}?" if suggestion else "there is no such verb."
            raise click.UsageError(f"{shown(verb)}: {meant} The verbs are {', '.join(VERBS)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):  # without importing them
            formatter.write_dl(list(VERBS.items()))

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> NoReturn:
        """Run and exit with the exit code; only bugs raise other exceptions."""
        extra["standalone_mode"] = False
        try:
            code = super().main(args, *rest, **extra)
        except click.exceptions.Exit as ending:
            code = ending.exit_code
        except click.ClickException as error:
            code = _fail(_usage(error), error.exit_code)
        except (InputError, InputTypeError) as error:
            code = _fail(str(error), 2)
        except ChainruleError as error:
            code = _fail(str(error), 1)
        except MemoryError as error:
            code = _fail(f"not enough memory ({error}); use a smaller network", 1)
        except click.Abort:
            code = _fail("interrupted", 130)
        except OSError as error:
            code = _fail(f"the system refused: {error}", 1)
        code = code if isinstance(code, int) else 0
        failure = output_failure()
        if failure is not None:
            code = code or _without_output(failure)
        sys.exit(code)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:  # here, because click would print an empty line
            sys.exit(_fail("interrupted", 130))


def _fail(message: str, code: int) -> int:
    click.echo(f"chainrule: error: {one_line(message)}", err=True)
    return code


def _usage(error: click.ClickException) -> str:
    """Return click's message with a reference to the help."""
    message = one_line(error.format_message()).rstrip(".")
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "chainrule"
    message = f"{message[:1].lower()}{message[1:]}"
    return f"{message} See {path} -h" if message.endswith("?") else f"{message}; see {path} -h"


def _without_output(failure: OSError) -> int:
    """Return the exit code after output was lost; a reader (head) that has gone is no news."""
    if failure.errno == errno.EPIPE:
        return 1
    reason = f"standard output cannot be written ({failure.strerror})"
    return _fail(f"{reason}; what was written to files is complete", 1)


def _version() -> str:
    from chainrule.table_models.table_model import versions

    return versions()["chainrule"]


def _print_version(context: click.Context, _: click.Parameter, requested: bool) -> None:
    if requested and not context.resilient_parsing:
        click.echo(f"chainrule {_version()}")
        context.exit()


@click.group(
    "chainrule",
    cls=CommandLine,
    context_settings={"help_option_names": ["-h", "--help"]},
    subcommand_metavar="VERB [ARGUMENTS]",
    invoke_without_command=True,
    epilog="See chainrule VERB -h.  Exit codes: 0 success, 1 failure, 2 the user's input.",
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show the version and exit.",
)
@language_of_verbs
@click.pass_context
def command(context: click.Context) -> None:
    """Derive the backpropagation of a network, check every step, and train with it."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main() -> NoReturn:
    """Run the command line as a process of its own; it starts in `start_up`."""
    open_closed_streams()
    make_output_last()
    try:
        command.main(prog_name="chainrule")
    finally:
        begin_ending()
