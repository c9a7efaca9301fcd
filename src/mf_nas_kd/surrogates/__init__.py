"""Models of accuracy by architecture and fidelity: one Gaussian process, and the priors that it is given."""

from mf_nas_kd.surrogates.co_kriging import CoKrigingPrior
from mf_nas_kd.surrogates.gaussian_process import GaussianProcess
from mf_nas_kd.surrogates.inputs import Inputs
from mf_nas_kd.surrogates.many_fidelities import ManyFidelitiesPrior
from mf_nas_kd.surrogates.prior import Prior
from mf_nas_kd.surrogates.single_fidelity import SingleFidelityPrior

__all__ = ["CoKrigingPrior", "GaussianProcess", "Inputs", "ManyFidelitiesPrior", "Prior", "SingleFidelityPrior"]
