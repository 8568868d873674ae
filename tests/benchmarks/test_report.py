from pathlib import Path

from tests.benchmarks.report import MARKER, Report


def test_what_stands_before_the_marker_stays(tmp_path: Path) -> None:
    path = tmp_path / "performance.md"
    path.write_text(f"# By hand\n\n{MARKER}\nold figures\n", encoding="utf-8")
    report = Report()
    report.table(["system", "us"], [["nginx", "13"]])

    report.write_into(path)

    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# By hand\n\n{MARKER}\n")
    assert "| nginx | 13 |" in text
    assert "old figures" not in text


def test_a_missed_target_is_told_as_missed(tmp_path: Path) -> None:
    path = tmp_path / "performance.md"
    report = Report()
    report.at_most("CPU", 300, 280, "us")
    report.at_least("workers", 1.8, 1.7, "x")
    report.finish()

    report.write_into(path)

    text = path.read_text(encoding="utf-8")
    assert "| CPU | at most 280 us | 300 us | missed |" in text
    assert "| workers | at least 1.7 x | 1.8 x | met |" in text
