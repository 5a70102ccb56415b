# SPDX-License-Identifier: MPL-2.0
# CTest: TIMEOUT 120
"""pyzmq: every pattern, between sockets of one process."""
import os
import struct
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "lib"))
import client  # noqa: E402
from client import zmq  # noqa: E402


class Patterns(client.Claims):
    def test_req_and_rep_exchange_strings_json_and_objects(self):
        for transport in self.on_each():
            rep, req = self.pair(zmq.REP, zmq.REQ, transport)
            req.send_string("größe")
            self.assertEqual(rep.recv_string(), "größe")
            rep.send_json({"a": [1, 2.5, None]})
            self.assertEqual(req.recv_json(), {"a": [1, 2.5, None]})
            req.send_pyobj({1, 2, 3})
            self.assertEqual(rep.recv_pyobj(), {1, 2, 3})
            rep.send_multipart([b"x", b"", b"y" * 100000])
            self.assertEqual(req.recv_multipart(), [b"x", b"", b"y" * 100000])

    def test_req_must_wait_for_its_reply(self):
        _, req = self.pair(zmq.REP, zmq.REQ)
        req.send(b"one")
        with self.assertRaises(zmq.ZMQError) as caught:
            req.send(b"two")
        self.assertEqual(caught.exception.errno, zmq.EFSM)

    def test_sub_gets_its_topics_only(self):
        for transport in self.on_each():
            pub, sub = self.pair(zmq.XPUB, zmq.SUB, transport)
            sub.subscribe("a")
            sub.subscribe(b"bc")
            topics = sorted([pub.recv(), pub.recv()])
            self.assertEqual(topics, [b"\1a", b"\1bc"])
            for text in (b"apple", b"beer", b"bcc", b"cider"):
                pub.send(text)
            self.assertEqual([sub.recv(), sub.recv()], [b"apple", b"bcc"])
            sub.unsubscribe("a")
            self.assertEqual(pub.recv(), b"\0a")
            pub.send(b"apple")
            pub.send(b"bc")
            self.assertEqual(sub.recv(), b"bc")

    def test_pub_reaches_all_who_are_there(self):
        pub = self.socket(zmq.PUB)
        subs = [self.socket(zmq.SUB, sndhwm=0, rcvhwm=0) for _ in range(20)]
        endpoint = self.bind(pub, "tcp")
        for sub in subs:
            sub.subscribe("")
            sub.connect(endpoint)
        waiting = set(subs)
        while waiting:  # until the last subscription has arrived
            pub.send(b"are you there?")
            waiting -= {sub for sub in waiting if sub.poll(10)}
        for i in range(500):
            pub.send_multipart([b"n", struct.pack("!I", i)])
        for sub in subs:
            numbers = []
            while len(numbers) < 500:
                parts = sub.recv_multipart()
                if len(parts) == 2:
                    numbers.append(struct.unpack("!I", parts[1])[0])
            self.assertEqual(numbers, list(range(500)))

    def test_push_spreads_over_all_pullers(self):
        for transport in self.on_each():
            push = self.socket(zmq.PUSH)
            endpoint = self.bind(push, transport)
            pulls = [self.socket(zmq.PULL) for _ in range(3)]
            poller = zmq.Poller()
            for pull in pulls:
                pull.connect(endpoint)
                poller.register(pull, zmq.POLLIN)
            got = []
            for i in range(3000):
                push.send(b"%d" % i)
                for socket, _ in poller.poll(0):
                    got.append(int(socket.recv()))
            while len(got) < 3000:
                for socket, _ in poller.poll(client.PATIENCE_S * 1000):
                    got.append(int(socket.recv()))
            self.assertEqual(sorted(got), list(range(3000)))

    def test_router_tells_dealers_apart(self):
        for transport in self.on_each():
            router = self.socket(zmq.ROUTER)
            endpoint = self.bind(router, transport)
            dealers = []
            for i in range(10):
                dealer = self.socket(zmq.DEALER, identity=b"d%d" % i)
                dealer.connect(endpoint)
                dealers.append(dealer)
            for _ in range(50):
                for dealer in dealers:
                    dealer.send_multipart([b"", dealer.identity[::-1]])
                for _ in dealers:
                    name, empty, text = router.recv_multipart()
                    self.assertEqual((empty, text), (b"", name[::-1]))
                    router.send_multipart([name, b"", text, b"back"])
                for dealer in dealers:
                    self.assertEqual(
                        dealer.recv_multipart(),
                        [b"", dealer.identity[::-1], b"back"])

    def test_router_that_must_route_says_so(self):
        router, dealer = self.pair(zmq.ROUTER, zmq.DEALER)
        router.router_mandatory = True
        with self.assertRaises(zmq.ZMQError) as caught:
            router.send_multipart([b"nobody", b"x"])
        self.assertEqual(caught.exception.errno, zmq.EHOSTUNREACH)
        dealer.send(b"x")
        name, _ = router.recv_multipart()
        router.send_multipart([name, b"y"])
        self.assertEqual(dealer.recv(), b"y")

    def test_pair_goes_both_ways_between_threads(self):
        here, there = self.pair(zmq.PAIR, zmq.PAIR, "inproc")

        def answer():
            for _ in range(1000):
                there.send(there.recv()[::-1])

        thread = threading.Thread(target=answer)
        thread.start()
        for i in range(1000):
            here.send(b"%04d" % i)
            self.assertEqual(here.recv(), (b"%04d" % i)[::-1])
        thread.join()

    def test_stream_talks_to_a_plain_tcp_socket(self):
        import socket
        stream = self.socket(zmq.STREAM)
        host, port = self.bind(stream, "tcp")[len("tcp://"):].split(":")
        with socket.create_connection((host, int(port))) as plain:
            plain.settimeout(client.PATIENCE_S)
            name, text = stream.recv_multipart()
            self.assertEqual((len(name), text), (5, b""))
            plain.sendall(b"hello")
            self.assertEqual(stream.recv_multipart(), [name, b"hello"])
            stream.send_multipart([name, b"world"])
            self.assertEqual(plain.recv(100), b"world")
        self.assertEqual(stream.recv_multipart(), [name, b""])

    def test_a_context_talks_to_another_one(self):
        other = zmq.Context()
        with other, other.socket(zmq.PUSH) as push:
            pull = self.socket(zmq.PULL)
            push.connect(self.bind(pull, "ipc"))
            push.send(b"over there")
            self.assertEqual(pull.recv(), b"over there")


if __name__ == "__main__":
    client.run()
