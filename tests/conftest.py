"""What every test shares: no wall-clock limits on examples, for the machines are noisy."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "pouch", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("pouch")
