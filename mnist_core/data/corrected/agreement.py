"""How far two people agree who corrected the same labels."""

from typing import NamedTuple

from mnist_core.data.corrected.corrections import Correction, Corrections, in_common


class Agreement(NamedTuple):
    """How far two people agree on the images that both decided on."""

    both: int
    """Images that both decided on."""
    only_first: int
    only_second: int
    same: int
    """Images of ``both`` with the same decision."""
    kappa: float | None
    """Cohen's kappa: 1 is perfect agreement, 0 that of chance. None if it has no value: nothing in common, or both
    decided the same one thing on every image."""
    differences: tuple[tuple[Correction, Correction], ...]
    """Decisions of the first and the second on the images on which they differ."""

    @property
    def share(self) -> float | None:
        """Share of ``both`` with the same decision, range [0, 1]; None if there are none."""
        return self.same / self.both if self.both else None


def compare(first: Corrections, second: Corrections) -> Agreement:
    """Compare the decisions of two people on the images that both decided on.

    Cohen's kappa corrects the share of equal decisions p_o for the one that chance would give, with every person's
    own shares of each decision::

        kappa = (p_o - p_e) / (1 - p_e),    p_e = sum over decisions k of p_1(k) p_2(k)

    J. Cohen, *A Coefficient of Agreement for Nominal Scales*, 1960. A decision is a class, or to leave out.

    Raises
    ------
    CorrectionsError
        If they are about different images.
    """
    pairs = in_common(first, second)
    same = sum(one.new == other.new for one, other in pairs)
    decisions = {one.new for pair in pairs for one in pair}
    # The sums are whole numbers: chance is certain exactly where it is.
    expected = sum(sum(one.new == k for one, _ in pairs) * sum(other.new == k for _, other in pairs) for k in decisions)
    rest = len(pairs) ** 2 - expected
    return Agreement(
        both=len(pairs),
        only_first=len(first) - len(pairs),
        only_second=len(second) - len(pairs),
        same=same,
        kappa=(same * len(pairs) - expected) / rest if rest else None,
        differences=tuple(pair for pair in pairs if pair[0].new != pair[1].new),
    )
