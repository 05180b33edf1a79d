"""`python -m analytics.evaluate`: the accuracy report, as `make accuracy` asks for it."""

import sys

from analytics.evaluate.accuracy import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
