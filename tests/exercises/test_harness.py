"""The harness of the exercise checks: never raises, restores what it touches, says what is wrong."""

from __future__ import annotations

import copy
import random
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dlcourse import check
from dlcourse.exercises import harness
from dlcourse.exercises.harness import Case

NAME = "test-exercise"


@pytest.fixture
def checked(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., str]]:
    """Return a function that checks an attempt with the given cases and returns what was printed."""

    def run(cases: Callable[[Any], Iterator[Case]], attempt: Any, **options: Any) -> str:
        harness._TASKS.pop(NAME, None)
        harness.checks(NAME, **options)(cases)
        check.exercise(NAME, attempt)
        return capsys.readouterr().out

    yield run
    harness._TASKS.pop(NAME, None)


def _double(attempt: Any) -> Iterator[Case]:
    for x in (1.0, 2.0):
        yield Case(f"x = {x}", attempt, 2 * x, "Multiply by two.", args=(x,))


def one(**options: Any) -> Callable[[Any], Iterator[Case]]:
    """Return a check with one case, of the attempt called with ``args``."""

    def cases(attempt: Any) -> Iterator[Case]:
        yield Case(
            "x", attempt, options["expected"], "The hint.", **{k: v for k, v in options.items() if k[:2] != "ex"}
        )

    return cases


# --- the line of result -------------------------------------------------------------------------------------


def _raises(x: float) -> float:
    raise ValueError("no")


def _leaves(x: float) -> float:
    sys.exit(3)


def _recurses(x: float) -> float:
    return _recurses(x)


def _forgets_return(x: float) -> None:
    2 * x


def _stub(x: float) -> float:
    """Return twice x."""
    ...


class _Nasty:
    """Raises whatever is done with it."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(f"no {name}")

    __eq__ = __len__ = __iter__ = __repr__ = __float__ = __bool__ = lambda *args: 1 / 0  # type: ignore[assignment]


class _NastyError(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


def _raises_nasty(x: float) -> float:
    raise _NastyError


@pytest.mark.parametrize(
    ("attempt", "start"),
    [
        (..., "○ test-exercise: not attempted yet\n"),
        (None, "○"),
        (_stub, "○"),
        ((lambda x: 2 * x, ...), "○"),
        (lambda x: 2 * x, "✓ test-exercise: correct (2 cases)\n"),
        (lambda x: int(2 * x), "✓"),
        (lambda x: x + 1, "✗ test-exercise: for x = 2.0 expected 4, given 3\n  Hint: Multiply by two."),
        (_forgets_return, "✗ test-exercise: for x = 1.0 your code returned None; is a `return` missing?\n  Hint: "),
        (lambda x: str(2 * x), "✗ test-exercise: for x = 1.0 expected a float, given a str: '2.0'\n  Hint: "),
        (lambda x: x == 1.0, "✗ test-exercise: for x = 1.0 expected a float, given a bool: True\n  Hint: "),
        (lambda x: float("nan"), "✗ test-exercise: for x = 1.0 expected 2, given nan\n"),
        (
            lambda x: torch.tensor(2 * x),
            "✗ test-exercise: for x = 1.0 expected a float, given a tensor: 2\n  Hint: `.item",
        ),
        (lambda x: np.float64(2 * x), "✗ test-exercise: for x = 1.0 expected a float, given a NumPy float64: 2\n"),
        (lambda x: (2 * x for _ in range(1)), "✗ test-exercise: for x = 1.0 expected a float, given a generator: "),
        (lambda x: [2 * x], "✗"),
        (lambda x: 2j * x, "✗"),
        (lambda: 2.0, "✗ test-exercise: for x = 1.0 your code raised TypeError: "),
        (_raises, "✗ test-exercise: for x = 1.0 your code raised ValueError: no\n  Hint: Multiply by two."),
        (_raises_nasty, "✗ test-exercise: for x = 1.0 your code raised _NastyError\n"),
        (_leaves, "✗ test-exercise: for x = 1.0 your code raised SystemExit: 3\n"),
        (_recurses, "✗ test-exercise: for x = 1.0 your code raised RecursionError: "),
        (3, "✗ test-exercise: for x = 1.0 your code raised TypeError: 'int' object is not callable\n"),
        (lambda x: _Nasty(), "✗"),
        (_Nasty, "✗"),
        (lambda x: torch.tensor([2 * x, 0.0]), "✗"),
        (lambda x: torch.empty(3, device="meta"), "✗"),
    ],
)
def test_exercise_never_raises(checked: Callable[..., str], attempt: Any, start: str) -> None:
    attempt = attempt() if attempt is _Nasty else attempt
    assert checked(_double, attempt).startswith(start)


@pytest.mark.parametrize("expected", [torch.ones(2), (1, 2.0), [1], {"a": 1}, "text", 1, True, np.ones(2)])
@pytest.mark.parametrize(
    "given",
    [
        *(object(), (), [], {}, set(), "1", 0, 2.5, False, b"x", {"a": len}, (9,), [[]], len, nn.ReLU()),
        *(torch.ones(3), torch.zeros(2, device="meta"), torch.ones(2).to_sparse(), np.array(["a"]), np.float32(9)),
    ],
)
def test_no_answer_stops_the_notebook(checked: Callable[..., str], given: Any, expected: Any) -> None:
    for options in ({}, {"any_type": True}):
        printed = checked(one(expected=expected, **options), lambda: given)
        assert printed.startswith(f"✗ {NAME}: for x ") and "\n  Hint: " in printed


def test_the_stop_button_stops(checked: Callable[..., str]) -> None:
    def stopped(x: float) -> float:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        checked(_double, stopped)


def test_an_unknown_exercise_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="no-such"):
        check.exercise("no-such", lambda: 1)


def test_an_exercise_has_one_check(checked: Callable[..., str]) -> None:
    checked(_double, ...)
    with pytest.raises(ValueError, match="two checks"):
        harness.checks(NAME)(_double)


def test_what_a_student_prints_is_left_alone(checked: Callable[..., str]) -> None:
    assert checked(_double, lambda x: print("hello") or 2 * x).startswith("hello\nhello\n✓")


def test_an_attempt_that_raises_in_the_check_itself_is_told(checked: Callable[..., str]) -> None:
    def cases(attempt: Any) -> Iterator[Case]:
        yield Case("x", lambda: attempt, attempt(1), "h")

    hint = "Does your answer have the form that the stub shows?"
    assert checked(cases, _leaves) == f"✗ {NAME}: your code raised SystemExit: 3\n  Hint: {hint}\n"


def test_stub_detection_for_classes_and_constants() -> None:
    class Stub:
        def forward(self, x: Any) -> Any: ...

    class Half(nn.Module):
        def __init__(self) -> None:
            super().__init__()

        @staticmethod
        def apply(x: Any) -> Any: ...

    class Real:
        def forward(self, x: Any) -> Any:
            return x

    assert not harness.attempted(Stub)
    assert not harness.attempted(Half)
    assert harness.attempted(Real)
    assert harness.attempted(lambda: 5)
    assert harness.attempted(nn.Linear)
    assert not harness.attempted((1, ...))


# --- comparing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected", "told"),
    [
        (torch.tensor([1, 2]), torch.tensor([1, 3]), "expected [1, 3], given [1, 2]"),
        (torch.ones(2, 3), torch.ones(3, 2), "expected shape (3, 2), given (2, 3)"),
        (torch.ones(2), torch.ones(2).double(), "expected the dtype float64, given float32"),
        (torch.ones(2, dtype=torch.int32), torch.ones(2, dtype=torch.int64), "expected the dtype int64, given int32"),
        (torch.ones(2, device="meta"), torch.ones(2), "expected a tensor on cpu, given one on meta"),
        ([1.0, 1.0], torch.ones(2), "expected a tensor, given a list: [1.0, 1.0]"),
        (np.ones(2, np.float32), torch.ones(2), "expected a tensor, given a NumPy array: [1., 1.]"),
        (torch.tensor([100_000_001]), torch.tensor([100_000_000]), "expected [100000000], given [100000001]"),
        (torch.tensor([1.0, 1.0001]), torch.ones(2), "expected [1., 1.], given [1. , 1.0001]"),
        (torch.tensor(1.00002), torch.tensor(1.0), "expected 1, given 1.00002"),
        (torch.tensor([float("nan")]), torch.tensor([float("nan")]), "expected [nan], given [nan]"),
        (torch.ones(2) > 0, torch.ones(2), "expected the dtype float32, given bool"),
        (True, 1, "expected an int, given a bool: True"),
        (1.0, 1, "expected an int, given a float: 1"),
        (np.int64(1), 1, "expected an int, given a NumPy int64: 1"),
        (10_000_001, 10_000_000, "expected 10000000, given 10000001"),
        (1, True, "expected a bool, given an int: 1"),
        (np.bool_(True), True, f"expected a bool, given a NumPy {np.bool_.__name__}: True"),
        ([1, 2], (1, 2), "expected a tuple, given a list: [1, 2]"),
        ((1, 2), [1, 2], "expected a list, given a tuple: (1, 2)"),
        ((1, 2, 3), (1, 2), "expected 2 items, given 3: (1, 2, 3)"),
        ((1, (2.0, 3.5)), (1, (2.0, 3.0)), "item 2: item 2: expected 3, given 3.5"),
        ({"a": 1}, {"a": 1, "b": 2}, "expected a, b; given a"),
        ({"a": 1}, {"a": 2}, "a: expected 2, given 1"),
        ("A", "a", "expected 'a', given 'A'"),
        (torch.ones(2), np.ones(2), "expected a NumPy array, given a tensor: [1., 1.]"),
    ],
)
def test_a_difference_is_told(given: Any, expected: Any, told: str) -> None:
    problem = harness._problem(Case("x", lambda: given, expected, "h"))
    assert problem is not None
    assert problem.text == told


@pytest.mark.parametrize(
    ("given", "expected", "options"),
    [
        (2, 2.0, {}),
        (1.0000001, 1.0, {}),
        (nn.Parameter(torch.ones(2)), torch.ones(2), {}),
        (torch.Size([2, 3]), (2, 3), {}),
        (torch.tensor([-torch.inf, 0.0]), torch.tensor([-torch.inf, 0.0]), {}),
        (torch.tensor([torch.nan]), torch.tensor([torch.nan]), {"nan": True}),
        (float("nan"), float("nan"), {"nan": True}),
        (torch.ones(2).double(), torch.ones(2), {"any_dtype": True}),
        (np.ones(2), torch.ones(2), {"any_type": True}),
        ([1, 1], torch.ones(2), {"any_type": True}),
        (torch.tensor(9.0), 9, {"any_type": True}),
        (9.0, 9, {"any_type": True}),
        ([torch.tensor(1), 2], (1, 2.0), {"any_type": True}),
        (torch.tensor([1, 2]), [1, 2], {"any_type": True}),
        (torch.ones(0, 3), torch.ones(0, 3), {}),
    ],
)
def test_equal_answers_pass(given: Any, expected: Any, options: Any) -> None:
    assert harness._problem(Case("x", lambda: given, expected, "h", **options)) is None


def test_a_large_array_is_told_by_its_worst_number() -> None:
    want = torch.arange(20.0).view(4, 5)
    given = want.clone()
    given[1, 3], given[2, 0] = 0.5, 1.0
    problem = harness._problem(Case("x", lambda: given, want, "h"))
    assert problem is not None
    assert problem.text == "expected 10, given 1 at [2, 0], the worst of 2 wrong numbers among 20"
    given[0, 1] = torch.nan
    problem = harness._problem(Case("x", lambda: given, want, "h"))
    assert problem is not None and problem.text.startswith("expected 1, given nan at [0, 1], the worst of 3 ")
    boxes = harness._problem(Case("x", lambda: want < 3, want < 2, "h"))
    assert (
        boxes is not None
        and boxes.text == "expected False, given True at [0, 2], the worst of 1 wrong numbers among 20"
    )


def test_a_known_wrong_value_brings_its_cause(checked: Callable[..., str]) -> None:
    cases = one(expected=lambda x: 3 * x, args=(2.0,), causes={"Added?": lambda x: 3 + x, "Squared?": 4.0})
    assert "\n  Hint: Added?" in checked(cases, lambda x: x + 3)
    assert "\n  Hint: Squared?" in checked(cases, lambda x: x * x)
    assert "\n  Hint: The hint." in checked(cases, lambda x: x)
    assert checked(cases, lambda x: x + x + x).startswith("✓")


# --- what every task asks -----------------------------------------------------------------------------------


def _module() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))


@pytest.mark.parametrize(
    ("arg", "change"),
    [
        (torch.ones(3), lambda x: x.mul_(2)),
        (torch.ones(3), lambda x: x.__setitem__(0, torch.nan)),
        (torch.ones(3), lambda x: x.unsqueeze_(0)),
        (torch.ones(3), lambda x: x.requires_grad_()),
        (torch.ones(3, requires_grad=True), lambda x: x.sum().backward()),
        (torch.ones(3, requires_grad=True), lambda x: x.detach_()),
        ([3, 1], lambda x: x.sort()),
        ([[3, 1]], lambda x: x[0].pop()),
        ({"b": [1]}, lambda x: x["b"].append(2)),
        ({"b": 1, "a": 2}, lambda x: x.update(b=x.pop("b"))),
        ({1, 2}, lambda x: x.add(3)),
        (np.ones(3), lambda x: x.fill(0)),
        (((torch.zeros(2),),), lambda x: x[0][0].add_(1)),
        (_module(), lambda m: m.eval()),
        (_module(), lambda m: m[0].weight.data.mul_(2)),
        (_module(), lambda m: m(torch.randn(4, 2))),  # the running mean
        (_module(), lambda m: m.requires_grad_(False)),
        (_module(), lambda m: m(torch.randn(4, 2)).sum().backward()),
        (_module(), lambda m: m.append(nn.ReLU())),
        (random.Random(1), lambda r: setattr(r, "x", 1)),
    ],
)
def test_a_changed_argument_is_told(checked: Callable[..., str], arg: Any, change: Callable[[Any], Any]) -> None:
    def attempt(value: Any) -> int:
        change(value)
        return 1

    before = copy.deepcopy(arg)
    printed = checked(one(expected=1, args=(arg,)), attempt)
    assert printed.startswith(f"✗ {NAME}: for x your code changed its argument value\n  Hint: ")
    assert checked(one(expected=1, args=(arg,), in_place=True), attempt).startswith("✓")
    assert checked(one(expected=1, args=(arg,)), lambda value: 1).startswith("✓")
    assert harness._same(before, arg)  # the check's own value never changes


def test_an_argument_may_hold_nan_and_functions(checked: Callable[..., str]) -> None:
    args = (torch.tensor([torch.nan, torch.inf]), float("nan"), [np.array([np.nan])], len, lambda x: x, None, "a")
    assert checked(one(expected=1, args=args), lambda *values: 1).startswith("✓")


def _square(x: Tensor) -> Tensor:
    return x * x


@pytest.mark.parametrize(
    ("attempt", "told"),
    [
        (lambda x: x**2, "✓"),
        (lambda x: (x**2).detach(), "✗ test-exercise: for x no gradient flows from the result back to x\n  Hint: "),
        (lambda x: torch.tensor((x**2).tolist()), "no gradient flows"),
        (lambda x: x.data**2, "no gradient flows"),
        (lambda x: x * x.detach(), "the gradient by x is wrong: expected "),
        (torch.no_grad()(lambda x: x**2), "no gradient flows"),
        (lambda x: torch.as_tensor(x.numpy() ** 2), "needs a gradient your code raised RuntimeError"),
    ],
)
def test_a_lost_gradient_is_told(checked: Callable[..., str], attempt: Any, told: str) -> None:
    for gradient in (True, (0,)):
        assert told in checked(one(expected=_square, args=(torch.randn(3),), gradient=gradient), attempt)


def test_only_the_chosen_arguments_need_a_gradient(checked: Callable[..., str]) -> None:
    def half(x: Tensor, y: Tensor) -> Tensor:
        return x * y.detach()

    args = (torch.randn(3), torch.randn(3))
    assert checked(one(expected=torch.mul, args=args, gradient=(0,)), half).startswith("✓")
    assert "gradient flows from the result back to y" in checked(
        one(expected=torch.mul, args=args, gradient=True), half
    )


@pytest.mark.parametrize(
    "attempt",
    [
        lambda x, y: F.cross_entropy(x, y),
        lambda x, y: nn.CrossEntropyLoss()(x, y),
        lambda x, y: _hides(x, y),
    ],
)
def test_a_forbidden_function_is_told_and_put_back(checked: Callable[..., str], attempt: Any) -> None:
    before = F.cross_entropy, torch.Tensor.unfold, torch.Tensor.data, dict(vars(torch.Tensor))
    args = (torch.randn(2, 3), torch.tensor([0, 2]))
    names = ("torch.nn.functional.cross_entropy", "torch.Tensor.unfold", "torch.Tensor.data")
    printed = checked(one(expected=F.cross_entropy, args=args), attempt, forbid=names)
    assert printed.startswith(f"✗ {NAME}: for x your code uses {names[0]}, which the task forbids\n  Hint: ")
    assert (F.cross_entropy, torch.Tensor.unfold, torch.Tensor.data, dict(vars(torch.Tensor))) == before
    assert F.cross_entropy(*args).isfinite()
    assert checked(one(expected=F.cross_entropy, args=args), attempt).startswith("✓")


def _hides(x: Tensor, y: Tensor) -> Tensor:
    try:
        return F.cross_entropy(x, y)
    except Exception:
        return F.nll_loss(x.log_softmax(1), y)


def test_a_forbidden_method_or_attribute_is_told(checked: Callable[..., str]) -> None:
    x = torch.arange(6.0)
    windows = one(expected=x.unfold(0, 2, 1), args=(x,))
    assert "uses torch.Tensor.unfold" in checked(windows, lambda x: x.unfold(0, 2, 1), forbid=("torch.Tensor.unfold",))
    assert checked(windows, lambda x: torch.stack([x[:-1], x[1:]], 1), forbid=("torch.Tensor.unfold",))[0] == "✓"
    data = one(expected=x, args=(x,))
    assert "uses torch.Tensor.data" in checked(data, lambda x: x.data, forbid=("torch.Tensor.data",))
    assert checked(data, lambda x: x, forbid=("torch.Tensor.data",))[0] == "✓"


def test_a_forbidden_function_is_found_under_an_imported_name(checked: Callable[..., str]) -> None:
    space: dict[str, Any] = {}
    exec("from math import sqrt as root\n\n\ndef attempt(x):\n    return root(x)", space)
    printed = checked(one(expected=2.0, args=(4.0,)), space["attempt"], forbid=("math.sqrt",))
    assert "uses math.sqrt" in printed
    assert space["attempt"](9.0) == 3.0


def _with_handlers(x: Tensor) -> Tensor:
    if x.ndim and len(x) > 2 and (x > 0).any():
        try:
            with torch.no_grad():
                y = x.sum()
        except (ValueError, IndexError):
            y = x.mean()
        finally:
            x = x + 1
        return y if y > 0 else -y
    return x


def _helper(x: Tensor) -> Tensor:
    return torch.stack([row for row in x])


def _uses_helper(x: Tensor) -> Tensor:
    return _helper(x)


def _while(x: Tensor) -> Tensor:
    n = 3
    while n > 0:
        n -= 1
    return x


def _tries(x: Tensor) -> Tensor:
    for _ in range(3):  # goes on only through the handler
        try:
            return x / len(x)
        except ZeroDivisionError:
            pass
    return x


def _endless(x: Tensor) -> Tensor:
    while True:
        if x.sum() < 0:
            return x
        x = x - 1


def _nested(x: Tensor) -> Tensor:
    def inner(y: Tensor) -> Tensor:
        for _ in range(2):
            y = y + 1
        return y

    return inner(x)


class _LoopInMethod(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return sum(row for row in x)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("attempt", "loop"),
    [
        (_with_handlers, False),
        (lambda x: x.sum() if len(x) else x, False),
        (lambda x: torch.vmap(lambda row: row.dot(row))(x), False),
        (_uses_helper, True),
        (_while, True),
        (_endless, True),
        (_tries, True),
        (_nested, True),
        (_LoopInMethod, True),
        (lambda x: [row for row in x], True),
        (lambda x: {row: 1 for row in x}, True),
        (lambda x: sum(row for row in x), True),
        (lambda x: list(map(len, x)), True),
        (lambda x: np.vectorize(abs)(x), True),
    ],
)
def test_loops_are_found(checked: Callable[..., str], attempt: Any, loop: bool) -> None:
    printed = checked(one(expected=1), attempt, no_loops=True)
    assert ("your code has a loop; the task asks for none\n  Hint: " in printed) == loop


def test_parameters_are_the_modules_own() -> None:
    layer = nn.Linear(2, 3)
    layer.bias.requires_grad_(False)
    assert harness.parameter_shapes(layer) == {"weight": (3, 2)}
    gradients = harness.parameter_gradients(layer, torch.ones(1, 2))
    assert gradients["bias"] is None
    assert torch.equal(gradients["weight"], torch.tensor([[2.0, 2.0], [2.5, 2.5], [3.0, 3.0]]))
    assert layer.weight.grad is None


def test_states_are_put_back(checked: Callable[..., str]) -> None:
    def wild(x: float) -> float:
        torch.manual_seed(5)
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        random.seed(7)
        np.random.seed(9)
        return 2 * x + 0 * (float(torch.rand(())) + random.random() + np.random.rand())

    def draws() -> tuple[Any, ...]:
        return torch.rand(3).tolist(), random.random(), np.random.rand()

    for attempt in (wild, _raises, lambda x: 2 * x):
        torch.manual_seed(3)
        random.seed(3)
        np.random.seed(3)
        want = draws()
        torch.manual_seed(3)
        random.seed(3)
        np.random.seed(3)
        checked(_double, attempt)
        assert draws() == want
        assert torch.get_default_dtype() == torch.float32 and torch.is_grad_enabled()


def test_the_check_draws_the_same_whatever_the_student_draws(checked: Callable[..., str]) -> None:
    seen: list[float] = []

    def cases(attempt: Any) -> Iterator[Case]:
        for _ in range(2):
            x = torch.rand(()).item()
            seen.append(x)
            yield Case("x", attempt, 2 * x, "h", args=(x,))

    checked(cases, lambda x: 2 * x)
    checked(cases, lambda x: 2 * x + 0 * torch.rand(9).sum().item())
    assert seen[:2] == seen[2:]


def test_a_notebook_without_gradients_is_checked_with_them(checked: Callable[..., str]) -> None:
    with torch.no_grad():
        assert checked(one(expected=_square, args=(torch.randn(3),), gradient=True), lambda x: x * x).startswith("✓")
        assert not torch.is_grad_enabled()
