# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""What bench/growth.py and bench/bounds.py make of samples."""
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

import bounds  # noqa: E402  (needs the path above)
import growth  # noqa: E402


def records(cost):
    """Samples of every operation; `cost` gives that of one in a system of a size."""
    return [{"path": name, "insns": cost(name, size)} for size in growth.SIZES
            for name in growth.TEXT
            for _ in range(1 if name == growth.REVOKE else growth.ROUNDS)]


def flat(name, size):
    return 150 * size if name == growth.REVOKE else 100


def test_flat_costs_pass():
    costs = growth.costs_of(records(flat))
    assert costs["call"] == [100] * 5 and costs[growth.REVOKE] == [150.0] * 5
    assert growth.check(costs) == []


def test_a_level_of_a_tree_for_each_doubling_passes():
    costs = growth.costs_of(records(
        lambda name, size: flat(name, size) if name == growth.REVOKE
        else 100 + 40 * size.bit_length()))
    assert growth.check(costs) == []


@pytest.mark.parametrize("name", ["call", "timer_arm", growth.REVOKE])
def test_linear_growth_is_found(name):
    costs = growth.costs_of(records(lambda n, size: flat(n, size) * (size if n == name else 1)))
    problems = growth.check(costs)
    assert problems and all(problem.startswith(f"{name}: ") for problem in problems)


def test_lacking_samples():
    with pytest.raises(growth.BenchError, match="call: 39 samples, not 40"):
        samples = records(flat)
        samples.remove({"path": "call", "insns": 100})
        growth.costs_of(samples)


def test_unknown_operation():
    with pytest.raises(growth.BenchError, match="both: frob"):
        growth.costs_of([*records(flat), {"path": "frob", "insns": 1}])


def test_plot_is_an_image_with_every_name():
    root = xml.fromstring(growth.plot(growth.costs_of(records(flat))))
    words = {e.text for e in root.iter() if e.tag.endswith("text")}
    assert {name.replace("_", " ") for name in growth.TEXT} <= words
    assert {"1", "10,000", "instructions"} <= words


def test_labels_keep_their_distance():
    placed = growth.place_labels([10.0, 10.0, 11.0, 400.0])
    assert all(b - a >= growth.GAP for a, b in zip(placed, placed[1:]))


def stretches(serve, held):
    return {"irqoff": 1, "serve": {"serve": serve}, "held": {"held": held}}


def test_bounds_of_all_cases():
    cases = {"a": stretches(100, 90), "b": stretches(80, 95)}
    assert bounds.metrics_of(cases) == {"irqoff.max_adversarial": 100, "lock.hold_max": 95}
    assert bounds.check(cases, 100, 95) == []
    assert [p.split(":")[0] for p in bounds.check(cases, 99, 94)] == ["a", "b"]
    assert bounds.check(cases, 0, 0) == []
