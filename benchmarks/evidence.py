"""How often a study's verdict claims what is not there, and how often it finds what is.

Simulated studies of 24 and 40 candidates with 15 low fidelities (``simulated_studies.py``), tested with the settings of
the base configuration. The verdict is read as a user reads it: a claim is a first sentence that begins with ``Yes``, or
a sentence that says that distillation ranks better or worse. ``before`` is the rule of the version before: the fidelity
with the highest Kendall's tau, if its intervals of tau and of partial tau are above zero.

    python benchmarks/evidence.py --sets 1000
    python benchmarks/evidence.py --sets 1000 --part power
    python benchmarks/evidence.py --sets 200 --part before
    python benchmarks/evidence.py --sets 400 --part distillation
    python benchmarks/evidence.py --sets 1000 --part intervals
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from scipy.stats import beta, kendalltau
from simulated_studies import CURVES, FIDELITIES, NULLS, Study, with_added_value

from mf_nas_kd.figures import verdict
from mf_nas_kd.records import Fidelity
from mf_nas_kd.statistics import AddedValueSettings, BootstrapSettings, distillation_comparison, rank_agreement
from mf_nas_kd.statistics.added_value import added_value
from mf_nas_kd.statistics.bootstrap import bootstrap
from mf_nas_kd.statistics.correlation import kendall_of

CONFIGURATION = Path(__file__).resolve().parents[1] / "conf/base/parameters_correlation.yml"
SIZES = (24, 40)
METHODS = ("none", "kd", "attention", "attention_balanced", "nst")
GRID = [
    Fidelity(Fraction(1, denominator), epochs, distillation=method)
    for denominator, epochs in ((27, 20), (9, 12), (3, 5))
    for method in METHODS
]
READ = 20
FAR = 0.25
CLAIMS = (" ranks better than plain", " ranks worse than plain")


def settings() -> AddedValueSettings:
    """Those of the base configuration."""
    return AddedValueSettings.model_validate(yaml.safe_load(CONFIGURATION.read_text())["correlation"]["added_value"])


def bootstrap_settings() -> BootstrapSettings:
    """Those of the base configuration."""
    values = yaml.safe_load(CONFIGURATION.read_text())["correlation"]
    return BootstrapSettings(**{name: values[name] for name in BootstrapSettings.model_fields})


def evaluations(study: Study) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Low- and high-fidelity evaluations of a simulated study, as tables."""
    names = [f"a{index}" for index in range(len(study.high))]
    low = [
        {**fidelity.to_row(), "architecture_id": name, "val_score": accuracy}
        for fidelity, accuracies in zip(GRID, study.low.T, strict=True)
        for name, accuracy in zip(names, accuracies, strict=True)
    ]
    return pd.DataFrame(low), pd.DataFrame({"architecture_id": names, "test_score": study.high})


def sentences(study: Study, seed: int, added: AddedValueSettings, resampling: BootstrapSettings) -> list[str]:
    """The verdict of a simulated study; taus in it have no intervals, which no claim depends on.

    The first ``READ`` verdicts are made in any case; later ones only where there is something to claim, to save time:
    a p value above ``FAR`` from 99 permutations is not below the level with all of them.
    """
    if seed >= READ and _first_look(study, seed, added) > FAR:
        return ["No evidence"]
    found = added_value(study.low, study.high, study.proxies, added, seed)
    if seed >= READ and (found.p_value > added.level).all():
        return ["No evidence"]
    fidelities = pd.DataFrame([{**fidelity.to_row(), "role": "low"} for fidelity in GRID])
    low = fidelities.assign(
        n=len(study.high), kendall=[kendalltau(each, study.high).statistic for each in study.low.T], relative_cost=0.2,
        added=found.statistic, added_p=found.p_value, added_detectable=found.detectable,
    )  # fmt: skip
    proxies = pd.DataFrame({"role": "free", "distillation": ["proxy:macs", "proxy:params"]})
    proxies["kendall"] = [kendalltau(each, study.high).statistic for each in study.proxies.T]
    table = pd.concat([low, proxies]).assign(kendall_low=np.nan, kendall_high=np.nan)
    return verdict(table, distillation_comparison(*evaluations(study), resampling), added)


def _first_look(study: Study, seed: int, added: AddedValueSettings) -> float:
    few = added.model_copy(update={"permutations": 99})
    return float(added_value(study.low, study.high, study.proxies, few, seed).p_value.min())


def claims(said: list[str]) -> bool:
    """Whether a verdict makes any claim."""
    return said[0].startswith("Yes") or any(claim in sentence for sentence in said for claim in CLAIMS)


def interval(hits: int, sets: int) -> str:
    """Percentage with its 95 % interval.

    References:
        Clopper and Pearson (1934). The use of confidence or fiducial limits illustrated in the case of the binomial.
    """
    low = beta.ppf(0.025, hits, sets - hits + 1) if hits else 0.0
    high = beta.ppf(0.975, hits + 1, sets - hits) if hits < sets else 1.0
    return f"{100 * hits / sets:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


def nulls(sets: int, kinds: Sequence[str] = tuple(NULLS)) -> None:
    """Rate of verdicts with a false claim."""
    added, resampling = settings(), bootstrap_settings()
    for kind, curve, n in itertools.product(kinds, CURVES, SIZES):
        rng = np.random.default_rng([n, list(NULLS).index(kind), list(CURVES).index(curve)])
        hits = sum(claims(sentences(NULLS[kind](n, curve, rng), each, added, resampling)) for each in range(sets))
        print(f"| {n} | {kind} | {curve} | {hits} of {sets} | {interval(hits, sets)} |", flush=True)  # noqa: T201


def power(sets: int) -> None:
    """Rate of studies in which the one low fidelity that adds is found; mean of what is said to be detectable."""
    added = settings()
    cases = [(n, 0.5, explained) for n in SIZES for explained in (0.0, 0.25, 0.5)]
    cases += [(n, None, explained) for n in SIZES for explained in (0.0, 0.5)]
    for index, (n, size, explained) in enumerate(cases):
        rng = np.random.default_rng([n, index])
        if size is None:
            size = float(np.mean([_detectable(n, explained, rng, added) for _ in range(50)]))
        found = [_first(with_added_value(n, size, explained, rng), each, added) for each in range(sets)]
        print(f"| {n} | {size:.2f} | {explained} | {interval(sum(found), sets)} |", flush=True)  # noqa: T201


def _first(study: Study, seed: int, added: AddedValueSettings) -> bool:
    return bool(added_value(study.low, study.high, study.proxies, added, seed).p_value[0] <= added.level)


def _detectable(n: int, explained: float, rng: np.random.Generator, added: AddedValueSettings) -> float:
    study = with_added_value(n, 0.3, explained, rng)
    return float(added_value(study.low, study.high, study.proxies, added, 0).detectable[0])


def before(sets: int) -> None:
    """Rate of verdicts of the version before with a false claim: the best by tau, judged by its own intervals."""
    resampling = BootstrapSettings(resamples=200, level=0.95, seed=0)
    for n, kind in itertools.product(SIZES, ("gaussian", "heavy_tailed", "saturating")):
        rng = np.random.default_rng([n, list(NULLS).index(kind), 0])
        hits = sum(_before(NULLS[kind](n, "linear", rng), resampling) for _ in range(sets))
        print(f"| {n} | {kind} | {hits} of {sets} | {interval(hits, sets)} |", flush=True)  # noqa: T201


def _before(study: Study, resampling: BootstrapSettings) -> bool:
    taus = [kendalltau(each, study.high).statistic for each in study.low.T]
    best = study.low[:, int(np.argmax(taus))]
    found = rank_agreement(best, study.high, study.proxies, resampling)
    return found.kendall.low > 0 and found.partial_kendall.low > 0


def distillation(sets: int) -> None:
    """Rate of studies in which distilled and plain evaluations that are equally good are said to differ."""
    resampling = bootstrap_settings()
    for n, quality in itertools.product(SIZES, (0.0, 0.5, 0.8)):
        rng, hits = np.random.default_rng([n, int(10 * quality)]), 0
        for _ in range(sets):
            high = rng.normal(size=n)
            low = quality * high[:, None] + np.sqrt(1 - quality**2) * rng.normal(size=(n, FIDELITIES))
            table = distillation_comparison(*evaluations(Study(low, high, low[:, :2])), resampling)
            hits += bool((table["p_value"] <= 1 - resampling.level).any())
        print(f"| {n} | {quality} | {hits} of {sets} | {interval(hits, sets)} |", flush=True)  # noqa: T201


def intervals(sets: int) -> None:
    """Coverage of the bootstrap interval of Kendall's tau of normal pairs, and rate of intervals without width."""
    for n, correlation in itertools.product((4, 5, 6, 7, 8, 10, 12), (0.0, 0.5, 0.8, 0.95)):
        rng = np.random.default_rng([n, int(100 * correlation)])
        ends = np.array([_interval(n, correlation, rng) for _ in range(sets)])
        truth = 2 / np.pi * np.arcsin(correlation)
        covered = int(((ends[:, 0] <= truth) & (truth <= ends[:, 1])).sum())
        certain = np.mean(ends[:, 1] - ends[:, 0] < 1e-9)
        print(f"| {n} | {truth:.2f} | {interval(covered, sets)} | {100 * certain:.0f} % |", flush=True)  # noqa: T201


def _interval(n: int, correlation: float, rng: np.random.Generator) -> tuple[float, float]:
    first = rng.normal(size=n)
    second = correlation * first + np.sqrt(1 - correlation**2) * rng.normal(size=n)
    tau = kendall_of(np.stack([first, second]))
    found = bootstrap(lambda drawn: tau(drawn)[0, 1], n, BootstrapSettings(resamples=300, level=0.95, seed=0))
    return found.low, found.high


def main() -> None:
    """Simulate and print."""
    parts = {part.__name__: part for part in (nulls, power, before, distillation, intervals)}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=1000, help="simulated studies of each kind")
    parser.add_argument("--part", choices=list(parts), default="nulls")
    parser.add_argument("--kinds", nargs="+", choices=list(NULLS), default=list(NULLS), help="of --part nulls")
    arguments = parser.parse_args()
    if arguments.part == "nulls":
        nulls(arguments.sets, arguments.kinds)
    else:
        parts[arguments.part](arguments.sets)


if __name__ == "__main__":
    main()
