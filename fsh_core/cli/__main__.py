"""``python -m fsh_core.cli``, the same as ``fsh``."""

import sys

from fsh_core.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
