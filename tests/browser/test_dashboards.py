"""What a person sees in each dashboard, compared with what the event files hold."""

import pytest

from tests.support import dashboards

CHECKS = [
    dashboards.time_series, dashboards.scalars, dashboards.images, dashboards.audio, dashboards.histograms,
    dashboards.distributions, dashboards.graph, dashboards.compute_time_and_memory, dashboards.projector,
]  # fmt: skip


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_dashboard_shows_the_event_files(check, look):
    check(look)
