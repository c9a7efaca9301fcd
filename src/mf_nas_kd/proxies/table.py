"""The table of proxies: one line a proxy."""

from __future__ import annotations

from collections.abc import Mapping

from mf_nas_kd.proxies.expressivity import expressivity
from mf_nas_kd.proxies.live_macs import live_macs
from mf_nas_kd.proxies.naswot import naswot
from mf_nas_kd.proxies.progressivity import progressivity
from mf_nas_kd.proxies.proxy import Proxy
from mf_nas_kd.proxies.synflow import synflow
from mf_nas_kd.proxies.teacher_similarity import teacher_similarity
from mf_nas_kd.proxies.trainability import trainability
from mf_nas_kd.proxies.zico import zico

PROXIES: Mapping[str, Proxy] = {
    "naswot": naswot,
    "synflow": synflow,
    "zico": zico,
    "expressivity": expressivity,
    "progressivity": progressivity,
    "trainability": trainability,
    "teacher_similarity": teacher_similarity,
    "live_macs": live_macs,
}
"""Proxies of one network."""

NEED_TEACHER = frozenset({"teacher_similarity"})
"""Those that depend on the teacher."""

AGGREGATED = "az_nas"
"""The proxy that is made of others, over all candidates together."""
