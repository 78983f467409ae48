"""How hard tests marked slow and soak try: `make soak` has them try five times as hard as the gate does."""

import os

EFFORT = int(os.environ.get("CREWHALL_TEST_EFFORT") or 1)
