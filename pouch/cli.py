"""The ``pouch`` command. Imports what a command needs only when it runs, so that help is quick."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

DEFAULT_CONFIG = Path("pouch.yaml")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        from pouch import commands  # noqa: PLC0415

        try:
            return commands.run(arguments)
        except commands.CommandError as error:
            print(error, file=sys.stderr)
            return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever reads the output has had enough; the interpreter must not try to flush the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pouch", description="An OpenAI-compatible LLM gateway that cannot overspend."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="check the configuration, then serve")
    check = commands.add_parser("check", help="check the configuration and say what is wrong")
    verify = commands.add_parser("verify", help="prove that the books balance")
    drill = commands.add_parser("drill", help="try every promise under faults, and report")
    _add_drill_options(drill)
    keys = commands.add_parser("keys", help="create, list and revoke keys")
    actions = keys.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a key and show it, this once")
    create.add_argument("name")
    create.add_argument("--limit", metavar="USD", help="its budget; without one it is unlimited")
    create.add_argument(
        "--period", choices=["day", "week", "month"], help="how often the budget starts afresh"
    )
    create.add_argument("--time-zone", help="whose midnight a period begins at; default: UTC")
    create.add_argument(
        "--model",
        action="append",
        metavar="NAME",
        help="a model, or a glob of models, that it may use; can be repeated",
    )
    listing = actions.add_parser("list", help="list the keys, newest first")
    revoke = actions.add_parser("revoke", help="end a key")
    revoke.add_argument("id")
    for command in (serve, check, verify, drill, create, listing, revoke):
        command.add_argument(
            "--config",
            type=Path,
            default=DEFAULT_CONFIG,
            metavar="FILE",
            help="default: %(default)s",
        )
    return parser


def _add_drill_options(drill: argparse.ArgumentParser) -> None:
    drill.description = (
        "Runs the configuration with every provider replaced by a misbehaving mock, kills the "
        "server, and reports each promise as kept or broken. Nothing leaves this machine."
    )
    drill.add_argument("--seed", type=int, help="of the plan; without one it is a new plan")
    drill.add_argument(
        "--requests",
        type=_from_to(50, 100_000),
        default=300,
        metavar="N",
        help="default: %(default)s",
    )
    drill.add_argument(
        "--kills",
        type=_from_to(0, 1000),
        default=3,
        metavar="N",
        help="how often the server is killed; default: %(default)s",
    )
    drill.add_argument("--keep", action="store_true", help="leave the folder that it works in")


def _from_to(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"must be from {least} to {most}")
        return int(text)

    return number


if __name__ == "__main__":
    sys.exit(main())
