"""The mark `sample`: of a test's many cases so many run always, and the others are slow."""

import pytest

from tests.conftest import pytest_collection_modifyitems

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnknownMarkWarning")

MODULE = """
import pytest

@pytest.mark.sample(3)
@pytest.mark.parametrize("n", [*range(9), pytest.param(9, marks=pytest.mark.slow)])
def test_sampled(n): ...

@pytest.mark.sample(3)
@pytest.mark.parametrize("n", range(2))
def test_of_few_cases(n): ...

@pytest.mark.parametrize("n", range(4))
def test_whole(n): ...

@pytest.mark.sample(0.5)
@pytest.mark.parametrize("n", range(6))
def test_by_share(n): ...

@pytest.mark.sample(0.5)
def test_of_one_case(): ..."""


def always(pytester: pytest.Pytester, cases: int | None = None) -> list[str]:
    """Return the names of the cases that run always, of those up to a number."""
    items = pytester.getitems(MODULE)[:cases]
    pytest_collection_modifyitems(items)
    return [item.name for item in items if not item.get_closest_marker("slow")]


def test_of_a_sampled_test_so_many_cases_run_always_and_the_rest_is_slow(
    pytester: pytest.Pytester,
) -> None:
    names = always(pytester)
    assert sum(name.startswith("test_sampled") for name in names) == 3
    assert "test_sampled[9]" not in names
    assert names[3:9] == [
        *(f"test_of_few_cases[{n}]" for n in range(2)),
        *(f"test_whole[{n}]" for n in range(4)),
    ]
    assert sum(name.startswith("test_by_share") for name in names) == 3
    assert names[-1] == "test_of_one_case"


def test_they_are_the_same_each_time_whatever_else_is_collected(pytester: pytest.Pytester) -> None:
    assert always(pytester, 10) == always(pytester)[:3]
