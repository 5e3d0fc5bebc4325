"""``python -m dlcourse``: checks the Python version in words that every Python understands, then starts."""

import sys

if sys.version_info < (3, 10):
    sys.stderr.write(
        "The course needs Python 3.10 or newer, and this is Python %d.%d; install a newer one from "
        "https://www.python.org/downloads/ and run the command with it.\n" % tuple(sys.version_info[:2])
    )
    sys.exit(2)

if __name__ == "__main__":
    from dlcourse.install.commands import main

    sys.exit(main(sys.argv[1:]))
