"""Work on the notebooks themselves: execute them, record runs over seeds, import their definitions for tests."""
