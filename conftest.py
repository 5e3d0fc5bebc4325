"""Notebooks under nbval: stderr is not compared, after a failed cell the rest of its notebook is not run, and no
temporary folder is left behind."""

import tempfile
from typing import Any

import pytest
from nbval import plugin

_compare = plugin.IPyNbCell.compare_outputs
_start, _stop = plugin.IPyNbFile.setup, plugin.IPyNbFile.teardown


def _without_stderr(outputs: list[Any]) -> list[Any]:
    return [output for output in outputs if output.get("name") != "stderr"]


def _compare_without_stderr(self: Any, test: list[Any], ref: list[Any], skip_compare: Any = ()) -> bool:
    """Compare outputs without progress bars, which differ in every run."""
    return bool(_compare(self, _without_stderr(test), _without_stderr(ref), skip_compare))


def _skip_after_failure(self: Any) -> None:
    failed = getattr(self.parent, "failed_cell", None)
    if failed is not None:
        pytest.skip(f"not run: cell {failed} of this notebook failed")


def _start_with_a_temporary_folder(self: Any) -> None:
    """Give the kernel a temporary folder of its own: nbval ends kernels by force, and they cannot tidy up then."""
    self.temporary = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("TMPDIR", "TEMP", "TMP"):
            patch.setenv(name, self.temporary.name)
        _start(self)


def _stop_and_tidy_up(self: Any) -> None:
    _stop(self)
    self.temporary.cleanup()


plugin.IPyNbFile.setup = _start_with_a_temporary_folder
plugin.IPyNbFile.teardown = _stop_and_tidy_up
plugin.IPyNbCell.compare_outputs = _compare_without_stderr
plugin.IPyNbCell.setup = _skip_after_failure


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    outcome = yield
    if isinstance(item, plugin.IPyNbCell) and outcome.get_result().failed:
        item.parent.failed_cell = item.cell_num
