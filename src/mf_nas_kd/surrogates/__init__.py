"""Models of accuracy by architecture: ``fit`` observations, ``predict`` mean and standard deviation."""

from mf_nas_kd.surrogates.gaussian_process import GaussianProcess
from mf_nas_kd.surrogates.surrogate import Surrogate

__all__ = ["GaussianProcess", "Surrogate"]
