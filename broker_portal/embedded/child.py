"""python -m broker_portal.embedded.child DATA_DIR MODULE [ARGUMENT …]: runs a module as a program whose own children die with it.

granian's and Celery's workers live on when their main process is killed; granian's even keep answering. The data directory in the command
line lets the next start find what is left where the kernel cannot do this.
"""

import multiprocessing
import os
import runpy
import signal
import sys

from broker_portal.embedded.processes import LINUX, die_with_parent


def main() -> None:
    parents = [os.getpid()]

    def remember() -> None:
        parents[0] = os.getpid()

    def begin() -> None:
        die_with_parent(signal.SIGKILL, parents[0])
        # Until it has handlers of its own, its parent's would swallow the signal and it would have to be killed.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    os.register_at_fork(before=remember, after_in_child=begin)
    if LINUX:
        # A spawned worker would not pass through the hook above.
        multiprocessing.set_start_method("fork")
    module = sys.argv[2]
    sys.argv = [module, *sys.argv[3:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
