# SPDX-License-Identifier: MPL-2.0
"""For the tests that run Python programs on the library.

A test imports `zmq` from here. It is skipped where Debian's packages are not
installed (CZ_CLIENTS_REQUIRED=1 makes that a failure), and fails if another
library than the one that CZ_CLIENT_LIB names is under it.
"""
import faulthandler
import os
import sys
import tempfile
import unittest

PATIENCE_S = 20
SKIPPED = 77


def leave_out(missing):
    """Ends the process: a package is not there."""
    print(f"not installed: {missing}; scripts/setup.sh clients installs it")
    sys.exit(1 if os.environ.get("CZ_CLIENTS_REQUIRED") else SKIPPED)


try:
    import zmq
except ImportError as error:
    leave_out(error.name)


def libraries_of(maps):
    """The files named libzmq.so* in the text of a /proc/PID/maps."""
    paths = {line.split()[-1] for line in maps.splitlines()
             if "libzmq.so" in line}
    return sorted(os.path.realpath(path) for path in paths)


def expected_library():
    directory = os.environ["CZ_CLIENT_LIB"]
    return os.path.realpath(os.path.join(directory, "libzmq.so.5"))


class Claims(unittest.TestCase):
    """Each test has a context, sockets that do not wait for ever, and a
    directory for ipc; all of that ends with it."""

    def setUp(self):
        faulthandler.dump_traceback_later(3 * PATIENCE_S, exit=True)
        self.directory = tempfile.TemporaryDirectory()
        self.ctx = self.make_context()
        self.ctx.linger = 0
        self.sockets = []

    def tearDown(self):
        for socket in self.sockets:
            socket.close()
        self.ctx.term()
        self.directory.cleanup()
        faulthandler.cancel_dump_traceback_later()

    def make_context(self):
        return zmq.Context()

    def socket(self, kind, **options):
        socket = self.ctx.socket(kind)
        socket.rcvtimeo = socket.sndtimeo = PATIENCE_S * 1000
        for name, value in options.items():
            setattr(socket, name, value)
        self.sockets.append(socket)
        return socket

    def bind(self, socket, transport):
        """Binds to a free endpoint of the transport, and names it."""
        name = f"{self.directory.name}/{len(self.sockets)}"
        socket.bind({
            "inproc": f"inproc://{name}",
            "ipc": f"ipc://{name}",
            "tcp": "tcp://127.0.0.1:*",
        }[transport])
        return socket.last_endpoint.decode()

    def pair(self, bound_kind, connected_kind, transport="tcp"):
        bound = self.socket(bound_kind)
        connected = self.socket(connected_kind)
        connected.connect(self.bind(bound, transport))
        return bound, connected

    def on_each(self, *transports):
        """Each transport in turn, told if one fails."""
        for transport in transports or ("inproc", "ipc", "tcp"):
            with self.subTest(transport=transport):
                yield transport


class Library(unittest.TestCase):
    def test_the_library_under_test_is_the_one_that_is_loaded(self):
        with open("/proc/self/maps", encoding="utf-8") as maps:
            self.assertEqual(libraries_of(maps.read()), [expected_library()])


def run():
    """Runs the claims of the calling program."""
    import __main__
    __main__.Library = Library
    unittest.main(module="__main__", verbosity=2)
