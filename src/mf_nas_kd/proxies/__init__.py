"""Zero-cost proxies: what an untrained network tells of its accuracy after training. One file a proxy.

A proxy is a function of a network with initial weights, batches of training images and, for one of them, the teacher's
taps. Proxies that are counted (multiply-accumulates, parameters) need no network: :mod:`mf_nas_kd.statistics.proxies`.
None of them is believed: :mod:`mf_nas_kd.statistics.proxy_value` says what each adds to the counted ones.
"""

from mf_nas_kd.proxies.proxy import UNDEFINED, WORST, Proxy, ProxyInputs
from mf_nas_kd.proxies.scoring import ProxyScorer, Score
from mf_nas_kd.proxies.settings import ProxySettings
from mf_nas_kd.proxies.table import AGGREGATED, NEED_TEACHER, PROXIES

__all__ = [
    "AGGREGATED",
    "NEED_TEACHER",
    "PROXIES",
    "UNDEFINED",
    "WORST",
    "Proxy",
    "ProxyInputs",
    "ProxyScorer",
    "ProxySettings",
    "Score",
]
