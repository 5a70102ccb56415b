# SPDX-License-Identifier: MPL-2.0
# CTest: TIMEOUT 120
"""pyzmq: what stands around the patterns: messages without copies, pollers,
proxies, monitors, options, terminating."""
import multiprocessing
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "lib"))
import client  # noqa: E402
from client import zmq  # noqa: E402
from zmq.devices import (ProcessDevice, ThreadMonitoredQueue,  # noqa: E402
                         ThreadProxy, ThreadProxySteerable)
from zmq.utils.monitor import recv_monitor_message  # noqa: E402

MEGABYTE = 1 << 20


def ask_once(endpoint):
    """In a process of its own, forked from one that uses a context."""
    with zmq.Context() as ctx, ctx.socket(zmq.REQ) as req:
        req.connect(endpoint)
        req.send(b"question")
        sys.exit(req.recv() != b"QUESTION")


class Messages(client.Claims):
    def test_sending_without_copying_tells_when_the_buffer_is_free(self):
        for transport in self.on_each():
            pull, push = self.pair(zmq.PULL, zmq.PUSH, transport)
            data = bytearray(os.urandom(4 * MEGABYTE))
            tracker = push.send(memoryview(data), copy=False, track=True)
            frame = pull.recv(copy=False)
            self.assertEqual(frame.buffer, data)
            self.assertEqual(bytes(frame), bytes(data))
            del frame
            tracker.wait(client.PATIENCE_S)
            self.assertTrue(tracker.done)

    def test_a_tracked_message_without_a_peer_is_not_done(self):
        push = self.socket(zmq.PUSH)
        push.connect("ipc://" + self.directory.name + "/nobody")
        tracker = push.send(b"x" * MEGABYTE, copy=False, track=True)
        self.assertFalse(tracker.done)
        with self.assertRaises(zmq.NotDone):
            tracker.wait(0.05)
        push.close()
        tracker.wait(client.PATIENCE_S)

    def test_one_frame_may_be_sent_many_times(self):
        pull, push = self.pair(zmq.PULL, zmq.PUSH)
        frame = zmq.Frame(b"z" * 100000)
        for _ in range(100):
            push.send(frame, copy=False)
        for _ in range(100):
            self.assertEqual(pull.recv(), b"z" * 100000)
        self.assertEqual(frame.bytes, b"z" * 100000)

    def test_received_frames_know_where_they_come_from(self):
        pull, push = self.pair(zmq.PULL, zmq.PUSH)
        push.send_multipart([b"a", b"b"])
        first, second = pull.recv_multipart(copy=False)
        self.assertTrue(first.more)
        self.assertFalse(second.more)
        self.assertEqual(first.get("Socket-Type"), "PUSH")
        self.assertEqual(first.get("Peer-Address"), "127.0.0.1")

    def test_a_message_of_fifty_megabytes_arrives(self):
        pull, push = self.pair(zmq.PULL, zmq.PUSH)
        push.send(b"x" * 50 * MEGABYTE)
        self.assertEqual(len(pull.recv()), 50 * MEGABYTE)


class Around(client.Claims):
    def test_a_poller_mixes_sockets_and_descriptors(self):
        pull, push = self.pair(zmq.PULL, zmq.PUSH)
        reading, writing = os.pipe()
        poller = zmq.Poller()
        poller.register(pull, zmq.POLLIN)
        poller.register(push, zmq.POLLOUT)
        poller.register(reading, zmq.POLLIN)
        push.send(b"x")
        self.assertTrue(pull.poll(client.PATIENCE_S * 1000))
        os.write(writing, b"y")
        events = dict(poller.poll(0))
        self.assertEqual(events[pull], zmq.POLLIN)
        self.assertEqual(events[push], zmq.POLLOUT)
        self.assertEqual(events[reading], zmq.POLLIN)
        pull.recv()
        poller.unregister(push)
        os.read(reading, 1)
        self.assertEqual(poller.poll(0), [])
        self.assertEqual(zmq.select([pull], [push], [], 1), ([], [push], []))
        os.close(reading)
        os.close(writing)

    def test_a_proxy_carries_subscriptions_and_messages(self):
        proxy = ThreadProxy(zmq.XSUB, zmq.XPUB)
        front = "ipc://" + self.directory.name + "/front"
        back = "ipc://" + self.directory.name + "/back"
        proxy.bind_in(front)
        proxy.bind_out(back)
        proxy.setsockopt_in(zmq.LINGER, 0)
        proxy.setsockopt_out(zmq.LINGER, 0)
        proxy.start()
        pub = self.socket(zmq.XPUB)
        pub.connect(front)
        sub = self.socket(zmq.SUB)
        sub.subscribe("news")
        sub.connect(back)
        self.assertEqual(pub.recv(), b"\1news")
        for i in range(500):
            pub.send_multipart([b"news" if i % 2 else b"olds", b"%d" % i])
        for i in range(1, 500, 2):
            self.assertEqual(sub.recv_multipart(), [b"news", b"%d" % i])

    def test_a_proxy_can_be_steered(self):
        proxy = ThreadProxySteerable(zmq.ROUTER, zmq.DEALER,
                                     ctrl_type=zmq.PAIR)
        names = {side: f"ipc://{self.directory.name}/{side}"
                 for side in ("in", "out", "ctrl")}
        proxy.bind_in(names["in"])
        proxy.bind_out(names["out"])
        proxy.bind_ctrl(names["ctrl"])
        proxy.start()
        control = self.socket(zmq.PAIR)
        control.connect(names["ctrl"])
        req = self.socket(zmq.REQ)
        req.connect(names["in"])
        rep = self.socket(zmq.REP)
        rep.connect(names["out"])
        req.send(b"question")
        rep.send(rep.recv() + b"!")
        self.assertEqual(req.recv(), b"question!")
        control.send(b"TERMINATE")
        proxy.join(client.PATIENCE_S)
        self.assertFalse(proxy.launcher.is_alive())

    def test_a_monitored_queue_shows_both_directions(self):
        names = {side: f"ipc://{self.directory.name}/{side}"
                 for side in ("in", "out", "mon")}
        queue = ThreadMonitoredQueue(zmq.ROUTER, zmq.DEALER, zmq.PUB,
                                     b"in", b"out")
        queue.bind_in(names["in"])
        queue.bind_out(names["out"])
        queue.connect_mon(names["mon"])
        monitor = self.socket(zmq.SUB)
        monitor.subscribe("")
        monitor.bind(names["mon"])
        queue.start()
        req = self.socket(zmq.REQ)
        req.connect(names["in"])
        rep = self.socket(zmq.REP)
        rep.connect(names["out"])
        seen = []
        for _ in range(200):  # the subscription may come late
            req.send(b"q")
            rep.send(rep.recv() + b"a")
            self.assertEqual(req.recv(), b"qa")
            while monitor.poll(20):
                parts = monitor.recv_multipart()
                seen.append((parts[0], parts[-1]))
            if (b"in", b"q") in seen and (b"out", b"qa") in seen:
                return
        self.fail(f"the monitor saw only {seen[:10]}")

    def test_a_process_device_outlives_its_peers(self):
        device = ProcessDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
        front = "ipc://" + self.directory.name + "/front"
        back = "ipc://" + self.directory.name + "/back"
        device.bind_in(front)
        device.bind_out(back)
        device.daemon = True
        device.start()
        rep = self.socket(zmq.REP)
        rep.connect(back)
        for _ in range(5):
            with self.socket(zmq.REQ) as req:
                req.connect(front)
                req.send(b"again")
                rep.send(rep.recv())
                self.assertEqual(req.recv(), b"again")
        device.launcher.terminate()

    def test_a_monitor_tells_of_connecting_and_losing(self):
        pull = self.socket(zmq.PULL)
        monitor = pull.get_monitor_socket()
        push = self.socket(zmq.PUSH)
        push.connect(self.bind(pull, "tcp"))
        push.send(b"x")
        pull.recv()
        push.close()
        seen = []
        while zmq.EVENT_DISCONNECTED not in seen:
            self.assertTrue(monitor.poll(client.PATIENCE_S * 1000))
            event = recv_monitor_message(monitor)
            self.assertTrue(event["endpoint"].startswith(b"tcp://"))
            seen.append(event["event"])
        self.assertEqual(seen[:3], [zmq.EVENT_LISTENING, zmq.EVENT_ACCEPTED,
                                    zmq.EVENT_HANDSHAKE_SUCCEEDED])
        pull.disable_monitor()
        monitor.close()

    def test_forked_processes_make_contexts_of_their_own(self):
        rep = self.socket(zmq.REP)
        endpoint = self.bind(rep, "ipc")
        fork = multiprocessing.get_context("fork")
        for _ in range(3):
            child = fork.Process(target=ask_once, args=(endpoint,))
            child.start()
            rep.send(rep.recv().upper())
            child.join(client.PATIENCE_S)
            self.assertEqual(child.exitcode, 0)

    def test_options_have_their_python_types(self):
        dealer = self.socket(zmq.DEALER)
        self.assertIsInstance(dealer.fd, int)
        self.assertEqual(dealer.type, zmq.DEALER)
        self.assertEqual(dealer.hwm, 1000)
        dealer.hwm = 7
        self.assertEqual((dealer.sndhwm, dealer.rcvhwm), (7, 7))
        dealer.setsockopt_string(zmq.IDENTITY, "me")
        self.assertEqual(dealer.getsockopt_string(zmq.IDENTITY), "me")
        dealer.maxmsgsize = 1 << 40
        self.assertEqual(dealer.maxmsgsize, 1 << 40)
        dealer.affinity = 1
        self.assertEqual(dealer.affinity, 1)
        self.assertEqual(dealer.get(zmq.EVENTS), 0)
        with self.assertRaises(zmq.ZMQError):
            dealer.setsockopt(zmq.SNDHWM, -1)
        port = dealer.bind_to_random_port("tcp://127.0.0.1")
        self.assertIn(str(port).encode(), dealer.last_endpoint)
        dealer.unbind(dealer.last_endpoint)


class Terminating(client.Claims):
    def test_terminating_wakes_a_thread_that_receives(self):
        pull = self.socket(zmq.PULL, rcvtimeo=-1)
        self.bind(pull, "tcp")
        woken = []
        begun = threading.Event()

        def receive():
            begun.set()
            try:
                pull.recv()
            except zmq.ContextTerminated:
                woken.append(True)
            pull.close(linger=0)

        thread = threading.Thread(target=receive)
        thread.start()
        begun.wait()
        self.ctx.term()
        thread.join(client.PATIENCE_S)
        self.assertEqual(woken, [True])

    def test_terminating_delivers_what_was_sent(self):
        pull = self.socket(zmq.PULL)
        endpoint = self.bind(pull, "tcp")
        other = zmq.Context()
        push = other.socket(zmq.PUSH)
        push.connect(endpoint)
        for i in range(1000):
            push.send(b"%d" % i)
        push.close()
        thread = threading.Thread(target=other.term)
        thread.start()
        for i in range(1000):
            self.assertEqual(int(pull.recv()), i)
        thread.join(client.PATIENCE_S)
        self.assertTrue(other.closed)

    def test_a_shadow_sees_the_sockets_of_its_original(self):
        shadow = zmq.Context.shadow(self.ctx.underlying)
        pull = self.socket(zmq.PULL)
        pull.bind("inproc://shadow")
        with shadow.socket(zmq.PUSH) as push:
            push.connect("inproc://shadow")
            push.send(b"x")
            self.assertEqual(pull.recv(), b"x")

    def test_a_closed_socket_is_not_one(self):
        pull = self.socket(zmq.PULL)
        pull.close()
        self.assertTrue(pull.closed)
        with self.assertRaises(zmq.ZMQError) as caught:
            pull.recv()
        self.assertEqual(caught.exception.errno, zmq.ENOTSOCK)


if __name__ == "__main__":
    client.run()
