"""Alignment of pairs of images that may show the same picture, and how well they agree then.

References:
    Lucas and Kanade (1981). An Iterative Image Registration Technique with an Application to Stereo Vision. IJCAI.
    Baker and Matthews (2004). Lucas-Kanade 20 Years On: A Unifying Framework. IJCV 56. Section 2.2 (compositional).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from mf_nas_kd.images.duplicates.descriptors import SIDE, luma

ITERATIONS = 6
DAMPING = 1e-3  # of the least squares, relative to their diagonal
LARGEST_STEP = 0.1  # of half a window, in one iteration
LOW_CONTRAST = 40.0  # standard deviation, of 255: what re-encoding changes does not shrink with it any more
SCALES = (0.5, 1.1)  # of windows: what is beyond is no crop


@dataclass(frozen=True)
class Rectangles:
    """A rectangle in each of ``n`` images.

    Attributes:
        scale: Height and width, as fractions of the image's, ``(n, 2)``.
        centre: Row and column of the centre, in [-1, 1] from edge to edge, ``(n, 2)``.
    """

    scale: Tensor
    centre: Tensor

    def of(self, images: Tensor) -> Tensor:
        """What the rectangles show of images ``(n, C, 32, 32)``, stretched to the same size."""
        grid = _places().movedim(0, -1) * self.scale[:, None, None] + self.centre[:, None, None]
        return functional.grid_sample(images, grid.flip(-1), padding_mode="border", align_corners=False)


def align(first: Tensor, second: Tensor, start: Rectangles) -> Rectangles:
    """Move and stretch a rectangle in each first image until it agrees best with the second image.

    Args:
        first: Brightness of thumbnails, ``(n, 32, 32)``.
        second: Likewise.
        start: Where to begin.
    """
    target = _standardised(second)
    scale, centre = start.scale, start.centre
    best, best_agreement = (scale, centre), torch.full((len(first),), -torch.inf)
    for iteration in range(ITERATIONS + 1):
        shown = _standardised(Rectangles(scale, centre).of(first[:, None])[:, 0])
        agreement = (shown * target).flatten(1).sum(1)
        better = (agreement > best_agreement)[:, None]
        best = (torch.where(better, scale, best[0]), torch.where(better, centre, best[1]))
        best_agreement = torch.maximum(agreement, best_agreement)
        if iteration < ITERATIONS:
            step = _step(shown, target - shown)
            centre, scale = centre + scale * step[:, :2], (scale * (1 + step[:, 2:])).clamp(*SCALES)
    return Rectangles(*best)


def _step(shown: Tensor, residual: Tensor) -> Tensor:
    """Shift and stretch, in halves of a window, that explain the residual best (least squares), ``(n, 4)``."""
    gradients = torch.stack(torch.gradient(shown, spacing=2 / SIDE, dim=(1, 2)), dim=1)
    jacobian = torch.cat([gradients, gradients * _places()], dim=1).flatten(2)
    jacobian = jacobian - jacobian.mean(2, keepdim=True)
    squares = jacobian @ jacobian.transpose(1, 2)
    damping = torch.diag_embed(DAMPING * squares.diagonal(dim1=1, dim2=2).clamp_min(1e-3))
    step = torch.linalg.solve(squares + damping, jacobian @ residual.flatten(1)[..., None])[..., 0]
    bounded: Tensor = step.clamp(-LARGEST_STEP, LARGEST_STEP)
    return bounded


def agreement(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """How well pairs of aligned images agree.

    Args:
        first: Images ``(n, C, 32, 32)``, float, in [0, 255].
        second: Likewise.

    Returns:
        Similarity: correlation of the gradients of the brightness, the mean of those of all pixels and of those of the
        2x2 means, ``(n,)``, in [-1, 1]. Edges say more than brightness, which is alike in all pictures of the sea.
        Difference: root mean square of the differences of all pixels, relative to the standard deviation, ``(n,)``.
    """
    bright, other = luma(first), luma(second)
    fine, coarse = _gradient_correlation(bright, other), _gradient_correlation(_halved(bright), _halved(other))
    spread = (second - second.mean((2, 3), keepdim=True)).flatten(1).square().mean(1).sqrt()
    return ((fine + coarse) / 2).clamp(max=1), (first - second).flatten(1).square().mean(1).sqrt() / spread.clamp_min(
        LOW_CONTRAST
    )


def _gradient_correlation(first: Tensor, second: Tensor) -> Tensor:
    """Cosine of the differences between neighbours in rows and columns of pairs of images ``(n, H, W)``: ``(n,)``."""
    ours, others = (torch.cat([i.diff(dim=1).flatten(1), i.diff(dim=2).flatten(1)], dim=1) for i in (first, second))
    return functional.cosine_similarity(ours, others, dim=1)


def _halved(images: Tensor) -> Tensor:
    return functional.avg_pool2d(images[:, None], 2)[:, 0]


def _standardised(images: Tensor) -> Tensor:
    """Images ``(n, H, W)`` of mean 0 and norm 1; 0 for images without structure."""
    centred = images - images.mean((1, 2), keepdim=True)
    return functional.normalize(centred.flatten(1), dim=1, eps=1.0).view_as(images)


def _places() -> Tensor:
    """Row and column of every pixel, in [-1, 1] from edge to edge, ``(2, 32, 32)``."""
    line = (2 * torch.arange(SIDE) + 1) / SIDE - 1
    return torch.stack(torch.meshgrid(line, line, indexing="ij"))
