"""Makes the Python tool's waits short, so that a run of all scenarios is short. Nothing else changes."""

import time

_sleep = time.sleep


def _short(seconds):
    # a wait that the real one refuses is still refused
    _sleep(min(seconds, 0.01))


time.sleep = _short
