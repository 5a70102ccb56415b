# SPDX-License-Identifier: MPL-2.0
# CTest: TIMEOUT 180
"""A Jupyter kernel, driven by jupyter_client: ROUTER and DEALER for requests
and control, PUB and SUB for output, REQ and REP for the heartbeat, all of it
in two processes on the library."""
import os
import sys
import time
from queue import Empty

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "lib"))
import client  # noqa: E402

try:
    import ipykernel  # noqa: F401
    from jupyter_client import KernelManager
except ImportError as error:
    client.leave_out(error.name)


class Output:
    """What a kernel has published for one request."""

    def __init__(self):
        self.text = {"stdout": "", "stderr": ""}
        self.result = None
        self.error = None
        self.displays = []

    def take(self, kind, content):
        if kind == "stream":
            self.text[content["name"]] += content["text"]
        elif kind == "execute_result":
            self.result = content["data"]["text/plain"]
        elif kind == "display_data":
            self.displays.append(content["data"])
        elif kind == "error":
            self.error = content["ename"]


class Kernel(client.Claims):
    transport = "tcp"

    def setUp(self):
        super().setUp()
        for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR"):
            os.environ[name] = self.directory.name
        os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
        os.environ["PYTHONWARNINGS"] = "ignore"
        self.manager = KernelManager(
            transport=self.transport, ip=self.address(),
            connection_file=os.path.join(self.directory.name, "kernel.json"))
        self.manager.start_kernel()
        self.kernel = self.manager.client()
        self.kernel.start_channels()
        self.wait_for_kernel()

    def tearDown(self):
        self.kernel.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()
        super().tearDown()

    def address(self):
        if self.transport == "ipc":
            return os.path.join(self.directory.name, "kernel")
        return "127.0.0.1"

    def wait_for_kernel(self):
        """Until it answers, and until its output arrives: the subscription
        may be there later than the kernel."""
        self.kernel.wait_for_ready(timeout=3 * client.PATIENCE_S)
        end = time.monotonic() + client.PATIENCE_S
        while time.monotonic() < end:
            request = self.kernel.kernel_info()
            try:
                self.finish(request, patience_s=0.5)
                return
            except Empty:
                pass
        self.fail("the kernel publishes nothing")

    def begin(self, code):
        # A failing cell must not make the kernel drop the next ones.
        return self.kernel.execute(code, allow_stdin=False,
                                   stop_on_error=False)

    def finish(self, request, until=None, patience_s=client.PATIENCE_S):
        """Gathers the output of the request until it is idle, or until that
        text has come."""
        output = Output()
        while until is None or until not in output.text["stdout"]:
            message = self.kernel.get_iopub_msg(timeout=patience_s)
            if message["parent_header"].get("msg_id") != request:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                break
            output.take(kind, content)
        return output

    def reply_to(self, request):
        while True:
            reply = self.kernel.get_shell_msg(timeout=client.PATIENCE_S)
            if reply["parent_header"].get("msg_id") == request:
                return reply["content"]

    def execute(self, code):
        request = self.begin(code)
        output = self.finish(request)
        return self.reply_to(request), output

    def test_the_kernel_runs_on_the_library_under_test(self):
        _, output = self.execute("print(open('/proc/self/maps').read())")
        self.assertEqual(client.libraries_of(output.text["stdout"]),
                         [client.expected_library()])

    def test_cells_keep_their_state_and_give_results(self):
        self.execute("x = 6")
        reply, output = self.execute("x * 7")
        self.assertEqual((reply["status"], output.result), ("ok", "42"))
        reply, output = self.execute("1 / 0")
        self.assertEqual((reply["status"], output.error),
                         ("error", "ZeroDivisionError"))
        _, output = self.execute("import sys; print('oops', file=sys.stderr)")
        self.assertEqual(output.text["stderr"], "oops\n")

    def test_many_cells_in_a_row_are_answered_in_order(self):
        requests = [self.begin(f"{i} + 0") for i in range(100)]
        results = [self.finish(request).result for request in requests]
        self.assertEqual(results, [str(i) for i in range(100)])

    def test_large_outputs_stream_to_their_end(self):
        _, output = self.execute(
            "for i in range(20000): print(i, 'x' * 200)")
        lines = output.text["stdout"].splitlines()
        self.assertEqual([int(line.split()[0]) for line in lines],
                         list(range(20000)))
        _, output = self.execute(
            "from IPython.display import display\n"
            "display({'text/plain': 'y' * 20_000_000}, raw=True)")
        self.assertEqual(len(output.displays[0]["text/plain"]), 20_000_000)

    def test_a_kernel_can_be_asked_for_completions_and_help(self):
        self.execute("a_long_name = 1")
        self.kernel.complete("a_long")
        reply = self.kernel.get_shell_msg(timeout=client.PATIENCE_S)
        while reply["msg_type"] != "complete_reply":
            reply = self.kernel.get_shell_msg(timeout=client.PATIENCE_S)
        self.assertIn("a_long_name", reply["content"]["matches"])

    def test_the_heart_beats(self):
        self.kernel.hb_channel.unpause()
        end = time.monotonic() + client.PATIENCE_S
        # Its thread tells nobody: it can only be asked.
        while not self.kernel.hb_channel.is_beating():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)

    def test_a_busy_kernel_is_interrupted(self):
        for code in ("while True: pass", "import time; time.sleep(600)"):
            request = self.begin("print('begun', flush=True)\n" + code)
            self.finish(request, until="begun")
            self.manager.interrupt_kernel()
            self.assertEqual(self.reply_to(request)["ename"],
                             "KeyboardInterrupt")
            self.finish(request)
        _, output = self.execute("'alive'")
        self.assertEqual(output.result, "'alive'")

    def test_a_kernel_is_restarted_at_the_same_endpoints(self):
        self.execute("x = 1")
        for now in (False, True):
            self.manager.restart_kernel(now=now)
            self.wait_for_kernel()
            reply, _ = self.execute("x")
            self.assertEqual(reply["ename"], "NameError")
        _, output = self.execute("2 + 2")
        self.assertEqual(output.result, "4")

    def test_a_kernel_that_crashed_is_restarted(self):
        self.begin("import os; os._exit(3)")
        end = time.monotonic() + client.PATIENCE_S
        # The manager waits for its kernel, and can only be asked.
        while self.manager.is_alive():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)
        self.manager.restart_kernel(now=True)
        self.wait_for_kernel()
        _, output = self.execute("3 + 3")
        self.assertEqual(output.result, "6")


class KernelOverIpc(Kernel):
    transport = "ipc"


if __name__ == "__main__":
    client.run()
