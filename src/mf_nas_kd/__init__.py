"""Find the best small CNN for your own images within a budget.

Architectures are ranked by low-fidelity evaluations that distil a teacher (knowledge distillation on a part of the
data, for few epochs, at a lower resolution). The rank agreement of these evaluations with high-fidelity ones is
measured, and the rest of the budget goes into a multi-fidelity search.

References:
    Trofimov et al. (2023). Multi-fidelity Neural Architecture Search with Knowledge Distillation.
    IEEE Access; arXiv 2006.08341.
"""

__version__ = "0.1.0"
