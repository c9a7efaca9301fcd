"""Faults of machines: what an exception of a task says about its worker."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Concatenate

from mf_nas_kd.errors import MachineFaultError, MfNasKdError, TrainingFailedError
from mf_nas_kd.workers.executor import ATTEMPTS, Context, Result

_OF_THE_DEVICE = ("cuda error", "cublas_status", "cudnn", "cusolver", "nccl", "hip error", "mps backend", "device-side")
"""Parts of messages of torch's RuntimeErrors, in lower case, that tell of a device that cannot be used any more."""

_OF_THE_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory")


def attempt(task: Callable[Concatenate[Context, ...], Result], context: Context, *arguments: Any) -> Result:
    """Call a task on a worker; faults of the machine become a ``MachineFaultError``, which can be pickled.

    Raises:
        MachineFaultError: After an exception of memory, device or operating system, or ``sys.exit``.
    """
    try:
        return task(context, *arguments)
    except MfNasKdError:
        raise
    except (Exception, SystemExit) as error:
        fault = fault_of(error)
        if fault is None:
            raise
        raise fault from None


def fault_of(error: BaseException) -> MachineFaultError | None:
    """The fault of a machine that an exception tells of; None if it tells of none.

    >>> fault_of(MemoryError()), fault_of(OSError(28, "No space left on device")), fault_of(KeyError("alpha"))
    (MachineFaultError('MemoryError: '), MachineFaultError('OSError: [Errno 28] No space left on device'), None)
    """
    reason = f"{type(error).__name__}: {error}"
    if isinstance(error, SystemExit):
        return MachineFaultError(f"the task ended its process ({reason})", may_be_the_tasks=True)
    if isinstance(error, MemoryError) or _is_of_torch(error):
        return MachineFaultError(reason, may_be_the_tasks=True)
    if isinstance(error, OSError):
        return MachineFaultError(reason, may_be_the_tasks=False)
    return None


def given_up(fault: MachineFaultError) -> MfNasKdError:
    """The error with which a task ends after its last attempt."""
    message = f"given up after {ATTEMPTS} attempts, the last one alone on a fresh worker: {fault}"
    return TrainingFailedError(message) if fault.may_be_the_tasks else MachineFaultError(message, False)


def _is_of_torch(error: BaseException) -> bool:
    if not isinstance(error, RuntimeError):
        return False
    torch, message = sys.modules.get("torch"), str(error).lower()
    named = torch is not None and isinstance(error, torch.OutOfMemoryError | torch.AcceleratorError)
    return named or any(part in message for part in (*_OF_THE_DEVICE, *_OF_THE_MEMORY))
