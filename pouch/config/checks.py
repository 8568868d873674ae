"""Checks of the chain as a whole: no paid call may leave it without a reservation."""

from collections.abc import Sequence

from pouch.config.document import Document
from pouch.config.plugins import DraftStep
from pouch.config.resolved import ConfiguredProvider


def check_chain(
    document: Document,
    steps: Sequence[DraftStep],
    providers: Sequence[ConfiguredProvider],
    *,
    allow_unmetered: bool,
) -> None:
    """Report a chain that loses money.

    Two reservations for one request would leave the first unsettled, so that is never allowed.
    The rest matters where a provider is paid, and an operator may allow it in writing.
    """
    enabled = [step for step in steps if step.enabled]
    reserving = [step for step in enabled if step.plugin and step.plugin.reserves]
    for second in reserving[1:]:
        first = reserving[0].where[-1]
        document.blame(
            second.where, f"reserves a second time, after middlewares[{first}]; keep only one"
        )
    paid = [provider.name for provider in providers if provider.is_paid]
    if not paid or allow_unmetered:
        return
    if reserving:
        _check_outside(document, enabled, reserving[0])
    elif all(step.plugin for step in enabled):
        document.blame(
            ("middlewares",),
            f"no enabled step reserves money, and calls to {', '.join(paid)} cost some; "
            "add 'usage_tracking', or set server.allow_unmetered: true",
        )


def _check_outside(document: Document, enabled: Sequence[DraftStep], reserving: DraftStep) -> None:
    for step in enabled[: enabled.index(reserving)]:
        if step.plugin and step.plugin.calls_upstream:
            document.blame(
                step.where,
                f"can call a provider before {reserving.name!r} has reserved money; move it below "
                f"middlewares[{reserving.where[-1]}], or set server.allow_unmetered: true",
            )
