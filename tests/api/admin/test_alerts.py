from pouch.domain.alerts import Alert, AlertKind, DeliveryReport, DeliveryState, LoggedAlert
from tests.api.admin.conftest import Admin
from tests.fakes.clock import START

ALERT = Alert("alert_1", AlertKind.BUDGET_THRESHOLD, "80 % of it.", {"percent": 80}, START)


async def test_alerts_are_listed_with_their_deliveries(admin: Admin) -> None:
    report = DeliveryReport("0123456789abcdef", DeliveryState.FAILED, 20, "it answered 500")
    admin.alerts.logged = [LoggedAlert(ALERT, [report]), LoggedAlert(ALERT, [])]
    answer = await admin.client.get("/api/alerts", params={"limit": 1})
    assert answer.status_code == 200
    assert answer.json() == {
        "data": [
            {
                "id": "alert_1",
                "type": "budget_threshold",
                "created_at": "2026-01-15T12:00:00Z",
                "text": "80 % of it.",
                "data": {"percent": 80},
                "deliveries": [
                    {
                        "webhook": "0123456789abcdef",
                        "state": "failed",
                        "attempts": 20,
                        "error": "it answered 500",
                    }
                ],
            }
        ],
        "next_cursor": None,
    }


async def test_alerts_are_for_administrators(admin: Admin) -> None:
    assert (await admin.stranger.get("/api/alerts")).status_code == 401
