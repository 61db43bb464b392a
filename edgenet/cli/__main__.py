"""``python -m edgenet.cli``."""

import sys

from . import main

sys.exit(main())
