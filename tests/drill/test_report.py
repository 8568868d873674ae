"""The bar on a terminal, and the lines elsewhere."""

from io import StringIO

from pouch.drill.report import Progress


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_a_bar_that_fills() -> None:
    output = Terminal()
    progress = Progress(output, requests=60)
    progress(30, 1)
    progress(60, 2)
    half, full = output.getvalue().split("\r")[1:]
    assert half == "[" + "#" * 15 + "." * 15 + "] 30/60 requests, 1 kills"
    assert full == "[" + "#" * 30 + "] 60/60 requests, 2 kills\n"


def test_elsewhere_each_quarter_is_a_line() -> None:
    output = StringIO()
    progress = Progress(output, requests=10)
    for done in range(1, 11):
        progress(done, 0)
    assert [line.split()[0] for line in output.getvalue().splitlines()] == [
        "3/10",
        "5/10",
        "8/10",
        "10/10",
    ]
