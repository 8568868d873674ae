from pathlib import Path

from pouch.domain.alerts import AlertKind
from tests.config.loading import MINIMAL, SECRET, load_text

HOOK = "https://hooks.example/T0/B0"


def test_without_a_section_thresholds_are_told_to_no_webhook(tmp_path: Path) -> None:
    policy = load_text(MINIMAL, tmp_path).alerts.policy
    assert (policy.thresholds, policy.targets) == ((50, 80, 100), ())


def test_a_webhook_gets_every_kind_unless_it_names_some(tmp_path: Path) -> None:
    text = (
        f"{MINIMAL}alerts:\n  webhooks:\n"
        f"    - {{url: '{HOOK}', format: slack}}\n"
        f"    - {{url: '{HOOK}/b', secret: '${{SECRET}}', events: [overrun, key_frozen]}}\n"
    )
    alerts = load_text(text, tmp_path).alerts
    every, some = alerts.policy.targets
    assert every.kinds == set(AlertKind)
    assert some.kinds == {AlertKind.OVERRUN, AlertKind.KEY_FROZEN}
    assert alerts.webhooks[1].secret_text == SECRET


def test_neither_address_nor_secret_of_a_webhook_is_shown(tmp_path: Path) -> None:
    hook = f"{{url: '{HOOK}', secret: '${{SECRET}}'}}"
    config = load_text(f"{MINIMAL}alerts: {{webhooks: [{hook}]}}\n", tmp_path)
    shown = repr(config) + str(config.alerts.policy)
    assert SECRET not in shown
    assert "hooks.example" not in shown
