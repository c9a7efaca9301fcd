"""Surrogate models of accuracy by architecture and fidelity: one Gaussian process, and its priors.

Letters in shapes: ``n`` observations, ``m`` predictions, ``p`` features, ``q`` zero-cost proxies, ``k``
hyper-parameters, ``F`` fidelities.
"""

from mf_nas_kd.surrogates.co_kriging import CoKrigingPrior
from mf_nas_kd.surrogates.gaussian_process import GaussianProcess
from mf_nas_kd.surrogates.inputs import Inputs
from mf_nas_kd.surrogates.multi_fidelity import MultiFidelityPrior
from mf_nas_kd.surrogates.prior import Prior
from mf_nas_kd.surrogates.single_fidelity import SingleFidelityPrior

__all__ = ["CoKrigingPrior", "GaussianProcess", "Inputs", "MultiFidelityPrior", "Prior", "SingleFidelityPrior"]
