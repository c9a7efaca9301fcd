"""Values of the library for properties: what hypothesis draws from."""

from fractions import Fraction

from hypothesis import strategies as st

from mf_nas_kd.records import Architecture, Fidelity

FRACTIONS = st.fractions(min_value=Fraction(1, 1_000_000), max_value=1, max_denominator=1_000_000)

FIDELITIES = st.builds(
    Fidelity,
    FRACTIONS,
    epochs=st.integers(1, 10_000),
    width=st.floats(0, 1, exclude_min=True),
    distillation=st.sampled_from(["none", "kd", "nst"]),
    image_size=st.none() | st.integers(1, 1024),
)

SEEDS = st.integers(0, 2**63 - 1) | st.integers(2**62, 2**63 - 1)
"""Half of them larger than what a floating-point number holds exactly."""

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=4), inside, max_size=4),
    max_leaves=12,
)
"""What canonical JSON can hold."""

ARCHITECTURES = st.builds(
    lambda space, fields: Architecture.of(space, **fields),
    st.sampled_from(["mobilenet_v2", "nas_bench_201"]),
    st.dictionaries(st.sampled_from(["stem", "head", "stages", "cell"]), JSON, min_size=1),
)
"""Specifications of any content, also such as no space has."""
