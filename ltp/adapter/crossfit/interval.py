"""How sure the accuracy of out-of-fold answers is: a 95 % interval of what is published. Imports no torch.

Three things make the usual interval of a share too narrow here. Pairs of one premise are alike: the premises are what
was drawn, and by how much that widens the interval is measured (as in surveys, Korn & Graubard 1998). There are few
premises: Student's quantile, by their number. And epoch, rate and weight were chosen by the same answers: how much
better that made them look is estimated by choosing again on premises drawn with replacement (Efron 1983; Tsamardinos et
al. 2018), and taken off.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ltp.adapter.crossfit.clusters import Floats, Groups, standard_error
from ltp.metrics import NORMAL_95

DRAWS = 200
"""Of premises, by which the optimism of a choice is estimated."""
NOISE_ON_NOISE = 2**0.5
"""Drawn premises choose among figures that carry the noise of all premises already: of the noise that they choose by,
theirs is one part of two, so that equal candidates would seem to flatter by the root of two less than they do."""
OF_TRAINING = 0.5
"""Of the variance by which unlike pairs would count for more than there are, the share that training them takes back:
at it the intervals of `bench.interval_coverage` hold as often as they say."""
MOST = 2
"""Times as many pairs as there are that they may count for at most."""


def student_95(freedom: int) -> float:
    """Student's 97.5 % quantile, by Cornish and Fisher's expansion: to 0.5 % from 4 degrees of freedom on."""
    z, per = NORMAL_95, 1 / max(freedom, 1)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first * per + second * per**2 + third * per**3


def share_interval(
    hits: NDArray[np.bool_], groups: Groups, *, optimism: float = 0.0, moved: float = 1.0
) -> tuple[float, float]:
    """The 95 % score interval (Wilson 1927) of the share of `hits` (N,), less `optimism`.

    `moved` is how far what is published lies from its start, 0 to 1; 1 without a start.
    """
    premises = int(groups.max()) + 1
    share = min(max(float(hits.mean()) - optimism, 0.0), 1.0)
    pairs, square = _effective(hits, groups, moved), student_95(premises - 1) ** 2
    centre = (share + square / (2 * pairs)) / (1 + square / pairs)
    reach = np.sqrt(square * (share * (1 - share) / pairs + square / (4 * pairs**2))) / (1 + square / pairs)
    return max(0.0, float(centre - reach)), min(1.0, float(centre + reach))


def _effective(hits: NDArray[np.bool_], groups: Groups, moved: float) -> float:
    """As many independent pairs as would tell as much as these: fewer if those of a premise are alike, and more if
    they differ, as with a hypothesis of each label to a premise.

    The latter is believed of a start alone. What was trained on these pairs is a draw itself, of which their answers
    show nothing: the more of it is published, the less they count for more than there are.
    """
    share, pairs, premises = float(hits.mean()), len(hits), int(groups.max()) + 1
    if share in (0.0, 1.0):
        return float(premises)
    independent = share * (1 - share) / pairs
    clustered = max(standard_error(hits.astype(np.float64), groups) ** 2, independent / MOST)
    variance = clustered + OF_TRAINING * moved * max(0.0, independent - clustered)
    return max(share * (1 - share) / variance, premises / 2)


def optimism_of_choice(losses: Sequence[Floats], hits: Sequence[NDArray[np.bool_]], groups: Groups) -> float:
    """By how much choosing the lowest mean loss makes the share of hits look better than it is.

    `losses` and `hits`, (N,) each, are of everything that was chosen among.
    """
    if len(losses) < 2:
        return 0.0
    premises = int(groups.max()) + 1
    sums = [np.stack([np.bincount(groups, values, premises) for values in rows], 1) for rows in (losses, hits)]
    sizes = np.bincount(groups, minlength=premises)
    shares = sums[1].sum(0) / sizes.sum()
    drawn = np.random.default_rng(premises).multinomial(premises, [1 / premises] * premises, DRAWS)  # (D, premises)
    counts = (drawn @ sizes)[:, None]
    chosen = (drawn @ sums[0] / counts).argmin(1)
    found = (drawn @ sums[1] / counts)[np.arange(DRAWS), chosen]
    return float(NOISE_ON_NOISE * (found - shares[chosen]).mean())
