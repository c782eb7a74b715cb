"""What a run will cost is known before it, without asking anybody."""

import pytest

from t2sampler import TeamThenTrimSampler


def test_a_team_without_models_costs_nothing():
    estimate = TeamThenTrimSampler().estimate([[1.0], [2.0], [3.0]], [0, 0, 1])

    assert estimate.calls == estimate.input_tokens == estimate.output_tokens == (0, 0)
    assert estimate.cost == (0.0, 0.0)


@pytest.mark.parametrize("n_fits", [0, 1.5, None])
def test_the_number_of_fits_is_checked(n_fits):
    with pytest.raises(ValueError, match="`n_fits` must be an integer >= 1"):
        TeamThenTrimSampler().estimate([[1.0], [2.0], [3.0]], [0, 0, 1], n_fits)
