"""Run the command line as ``python -m t2sampler``."""

import sys

from t2sampler.cli import main

if __name__ == "__main__":
    sys.exit(main())
