"""Reading times as a chart."""

import pandas as pd
import pytest

from fsh_dashboard.figures.readers import reading_times


@pytest.mark.parametrize(("minutes", "end"), [([0.0, 0.0], 1.0), ([2.0, 7.5], 7.5)])
def test_the_axis_begins_at_zero_and_has_at_least_a_minute(
    minutes: list[float], end: float
) -> None:
    table = pd.DataFrame({"case": ["A", "B"], "reader": ["Anna", "Ben"], "minutes": minutes})
    layer = reading_times(table).to_dict()["layer"][0]
    assert layer["encoding"]["x"]["scale"]["domain"] == [0, end]
