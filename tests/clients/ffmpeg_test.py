# SPDX-License-Identifier: MPL-2.0
"""ffmpeg: a video from one process to another as its protocol `zmq` sends it,
PUB to SUB, and a filter that is told what to do, REQ to REP."""
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "lib"))
import client  # noqa: E402
from client import zmq  # noqa: E402

if not shutil.which("ffmpeg"):
    client.leave_out("ffmpeg")

PICTURES = 20
SOURCE = "testsrc=size=160x120:rate=50"


def start(*arguments):
    return subprocess.Popen(
        ["ffmpeg", "-nostdin", "-loglevel", "fatal", "-y", *arguments])


def library_under(process):
    """As soon as it is loaded, of which nothing but its memory map tells."""
    while process.poll() is None:
        with open(f"/proc/{process.pid}/maps", encoding="utf-8") as maps:
            paths = client.libraries_of(maps.read())
        if paths:
            return paths
        time.sleep(0.01)
    return []


class Ffmpeg(client.Claims):
    def setUp(self):
        super().setUp()
        self.processes = []

    def tearDown(self):
        for process in self.processes:
            process.kill()
            process.wait()
        super().tearDown()

    def start(self, *arguments):
        process = start(*arguments)
        self.processes.append(process)
        self.assertEqual(library_under(process), [client.expected_library()])
        return process

    def path(self, name):
        return os.path.join(self.directory.name, name)

    def test_a_video_goes_from_process_to_process(self):
        endpoint = "zmq:ipc://" + self.path("video")
        copy = self.path("copy.ts")
        self.start("-re", "-f", "lavfi", "-i", SOURCE, "-c:v", "mpeg2video",
                   "-g", "5", "-f", "mpegts", endpoint)
        receiver = self.start("-i", endpoint, "-frames:v", str(PICTURES),
                              "-c", "copy", "-f", "mpegts", copy)
        self.assertEqual(receiver.wait(client.PATIENCE_S), 0)
        counted = subprocess.run(
            ["ffprobe", "-loglevel", "fatal", "-count_packets",
             "-show_entries", "stream=nb_read_packets",
             "-of", "csv=p=0", copy],
            capture_output=True, check=True, text=True)
        self.assertEqual(counted.stdout.split()[0].strip(","), str(PICTURES))

    def test_a_filter_does_what_it_is_told(self):
        path = self.path("control")
        self.start("-re", "-f", "lavfi", "-i", SOURCE, "-vf",
                   rf"zmq=bind_address=ipc\\://{path},eq", "-f", "null", "-")
        asking = self.socket(zmq.REQ)
        asking.connect(f"ipc://{path}")
        for command, status in (("Parsed_eq_1 brightness 0.5", "0"),
                                ("nobody brightness 0.5", "38")):
            asking.send_string(command)
            self.assertEqual(asking.recv_string().split()[0], status)


client.run()
