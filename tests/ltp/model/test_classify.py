"""Sub-batches: every index once, longest first, never more tokens than allowed."""

from hypothesis import given
from hypothesis import strategies as st

from ltp.model.classify import sub_batches


@given(st.lists(st.integers(1, 60)), st.integers(1, 300))
def test_sub_batches_share_out_every_index_within_the_budget(lengths: list[int], budget: int) -> None:
    groups = list(sub_batches(lengths, max_tokens=budget))
    order = [index for group in groups for index in group]
    assert sorted(order) == list(range(len(lengths)))
    assert [lengths[index] for index in order] == sorted(lengths, reverse=True)
    for group, after in zip(groups, [*groups[1:], []], strict=False):
        longest = lengths[group[0]]
        assert len(group) == 1 or len(group) * longest <= budget
        assert not after or (len(group) + 1) * longest > budget  # no group ends early
