"""The checks of the exercises, one module a chapter. Solutions stand in the notebooks."""
