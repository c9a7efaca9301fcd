"""Faults of machines: what an exception of a task says about its worker."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any, Concatenate

from mf_nas_kd.errors import MachineFaultError, MfNasKdError, TrainingFailedError
from mf_nas_kd.workers.executor import ATTEMPTS, Context, Result

_OF_A_MACHINE = re.compile(
    r"\b(cuda|hip|nccl|mps backend|device-side|bus error|can't start new thread)\b"
    r"|\b(cublas|cudnn|cusolver|cusparse|curand|cufft)"
    r"|out of memory|not enough memory|can(not|'t) allocate memory",
    re.IGNORECASE,
)
"""Messages of RuntimeErrors that tell of a device that cannot be used any more, or of too little memory."""


def attempt(task: Callable[Concatenate[Context, ...], Result], context: Context, *arguments: Any) -> Result:
    """Call a task on a worker; faults of the machine become a ``MachineFaultError``, which can be pickled.

    Raises:
        MachineFaultError: After an exception of memory, device or operating system, or one that ends a process, such as
            that of ``sys.exit``.
    """
    try:
        return task(context, *arguments)
    except (MfNasKdError, KeyboardInterrupt):
        raise
    except BaseException as error:  # also of those that are no Exception: they would end the worker without a word
        fault = fault_of(error)
        if fault is None:
            raise
        raise fault from None


def fault_of(error: BaseException) -> MachineFaultError | None:
    """The fault of a machine that an exception tells of; None if it tells of none.

    >>> fault_of(MemoryError()), fault_of(OSError(28, "No space left on device")), fault_of(KeyError("alpha"))
    (MachineFaultError('MemoryError: '), MachineFaultError('OSError: [Errno 28] No space left on device'), None)
    """
    reason = described(error)
    if not isinstance(error, Exception):
        return MachineFaultError(f"the task ended its process ({reason})", may_be_the_tasks=True)
    if isinstance(error, MemoryError) or _is_of_torch(error):
        return MachineFaultError(reason, may_be_the_tasks=True)
    if isinstance(error, OSError):
        return MachineFaultError(reason, may_be_the_tasks=False)
    return None


def described(error: BaseException) -> str:
    """Type and message of an exception, also of one that cannot say its message."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:
        return type(error).__name__


def given_up(fault: MachineFaultError) -> MfNasKdError:
    """The error with which a task ends after its last attempt."""
    message = f"given up after {ATTEMPTS} attempts, the last one alone on a fresh worker: {fault}"
    return TrainingFailedError(message) if fault.may_be_the_tasks else MachineFaultError(message, False)


def _is_of_torch(error: BaseException) -> bool:
    if not isinstance(error, RuntimeError):
        return False
    torch = sys.modules.get("torch")
    named = torch is not None and isinstance(error, torch.OutOfMemoryError | torch.AcceleratorError)
    return named or _OF_A_MACHINE.search(described(error)) is not None
