"""The command `harness`. One file per command in `harness/commands`; this one finds them and turns errors into exit 2."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

COMMANDS = {
    "run": "compute the reference, compare the Keras model with it, layer by layer, and report",
    "compare": "compare again without running Caffe again",
    "dump": "record one side",
    "convert": "a caffemodel as HDF5 weights, a prototxt as Keras source",
    "report": "another view of a report, without tensors",
    "inspect": "what is in a prototxt, caffemodel, weights file, recording or report",
    "reproduce": "one layer, its arrays and a test that fails, to send to someone",
    "map": "which Keras layer stands for which Caffe layer, and why",
    "models": "the cases at hand",
    "image": "the Caffe image",
    "cache": "what is kept, how large; --clear",
}
"""Each command's module is imported only when it is called, so that `harness --help` is quick."""


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"harness.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"No command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="caffe-keras-parity")
@click.option("--debug", is_flag=True, help="show the traceback of an error")
def group(debug: bool) -> None:
    """Proves, layer by layer, that a Keras port computes what the Caffe original computes.

    Exit status: 0 parity, 1 divergence, 2 could not compare.
    """


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line and leave with its exit status."""
    from harness.errors import HarnessError

    debug = "--debug" in (sys.argv[1:] if arguments is None else arguments)
    try:
        status = group.main(args=arguments, prog_name="harness", standalone_mode=False)
    except click.exceptions.Exit as done:
        status = done.exit_code
    except click.ClickException as error:
        error.show()
        status = 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nharness: stopped; nothing half-written is left behind", err=True)
        status = 2
    except HarnessError as error:
        if debug:
            raise
        click.echo(f"harness: {error}", err=True)
        status = 2
    except BrokenPipeError:
        sys.stderr.close()
        status = 2
    except Exception as error:
        if debug:
            raise
        # Python would leave with 1, which means divergence.
        kind = "" if isinstance(error, OSError) else f"{type(error).__name__}: "
        click.echo(f"harness: {kind}{error}\n  → --debug shows where", err=True)
        status = 2
    sys.exit(status or 0)
