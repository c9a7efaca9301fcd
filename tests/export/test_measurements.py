"""The table of the deployed models, and the limits of the search beside it."""

from mf_nas_kd.export.measurements import exceeded_limits
from mf_nas_kd.records import Limits
from tests import final_tables


def test_a_limit_that_the_delivered_network_exceeds_is_told():
    limits = Limits.of(max_macs=1, max_latency_ms=0.15, max_activation_kib=24.5, max_model_kib=84)
    latency, size = exceeded_limits(final_tables.measurements(), limits, is_their_device=True)
    assert latency.startswith("The delivered network has latency_ms = 0.152, above its limit of 0.15: ")
    assert size.startswith("The delivered network has model_kib = 84.1, above its limit of 84: ")


def test_a_latency_on_another_device_is_not_compared():
    limits = Limits.of(max_latency_ms=0.15)
    assert exceeded_limits(final_tables.measurements(), limits, is_their_device=False) == ()
