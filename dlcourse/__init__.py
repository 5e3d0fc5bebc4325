"""The helper package of the course *Deep Learning Basics*.

Importing it loads nothing but the standard library, so that ``python -m dlcourse`` works on a bare machine.
"""

__version__ = "1.0"
