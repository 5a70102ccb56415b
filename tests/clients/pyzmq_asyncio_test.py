# SPDX-License-Identifier: MPL-2.0
# CTest: TIMEOUT 120
"""pyzmq with asyncio: sockets that are awaited, by ZMQ_FD and ZMQ_EVENTS."""
import asyncio
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "lib"))
import client  # noqa: E402
from client import zmq  # noqa: E402
import zmq.asyncio  # noqa: E402


class Asyncio(client.Claims):
    def make_context(self):
        return zmq.asyncio.Context()

    def run_within_patience(self, work):
        asyncio.run(asyncio.wait_for(work, client.PATIENCE_S))

    def test_req_and_rep_take_turns(self):
        async def serve(rep):
            for _ in range(300):
                await rep.send_multipart([b"re", *await rep.recv_multipart()])

        async def work(transport):
            rep, req = self.pair(zmq.REP, zmq.REQ, transport)
            server = asyncio.create_task(serve(rep))
            for i in range(300):
                await req.send(b"%d" % i)
                self.assertEqual(await req.recv_multipart(),
                                 [b"re", b"%d" % i])
            await server

        for transport in self.on_each():
            self.run_within_patience(work(transport))

    def test_a_burst_is_received_to_its_end(self):
        async def work(transport):
            pull, push = self.pair(zmq.PULL, zmq.PUSH, transport)

            async def send():
                for i in range(5000):
                    await push.send(b"%d" % i)

            sender = asyncio.create_task(send())
            for i in range(5000):
                self.assertEqual(int(await pull.recv()), i)
            await sender

        for transport in self.on_each():
            self.run_within_patience(work(transport))

    def test_a_hundred_dealers_ask_one_router_at_once(self):
        async def serve(router):
            while True:
                name, text = await router.recv_multipart()
                await router.send_multipart([name, text.upper()])

        async def ask(endpoint, i):
            with self.socket(zmq.DEALER) as dealer:
                dealer.connect(endpoint)
                texts = [b"ask %d %d" % (i, j) for j in range(20)]
                for text in texts:
                    await dealer.send(text)
                for text in texts:
                    self.assertEqual(await dealer.recv(), text.upper())

        async def work():
            router = self.socket(zmq.ROUTER)
            endpoint = self.bind(router, "tcp")
            server = asyncio.create_task(serve(router))
            await asyncio.gather(*(ask(endpoint, i) for i in range(100)))
            server.cancel()

        self.run_within_patience(work())

    def test_subscribers_follow_one_publisher(self):
        async def follow(endpoint, topic):
            with self.socket(zmq.SUB) as sub:
                sub.subscribe(topic)
                sub.connect(endpoint)
                return [await sub.recv() for _ in range(100)]

        async def work():
            pub = self.socket(zmq.XPUB)
            pub.xpub_verbose = True
            endpoint = self.bind(pub, "ipc")
            topics = [b"t%d" % i for i in range(10)]
            followers = [asyncio.create_task(follow(endpoint, topic))
                         for topic in topics]
            for _ in followers:
                self.assertEqual((await pub.recv())[:2], b"\1t")
            for i in range(100):
                for topic in topics:
                    await pub.send(topic + b" %d" % i)
            for topic, got in zip(topics, await asyncio.gather(*followers)):
                self.assertEqual(
                    got, [topic + b" %d" % i for i in range(100)])

        self.run_within_patience(work())

    def test_waiting_can_be_given_up(self):
        async def work():
            pull, push = self.pair(zmq.PULL, zmq.PUSH)
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(pull.recv(), 0.05)
            waiting = pull.recv()
            await asyncio.sleep(0)
            waiting.cancel()
            await push.send(b"not lost")
            self.assertEqual(await pull.recv(), b"not lost")

        self.run_within_patience(work())

    def test_sending_waits_for_room(self):
        async def work():
            push = self.socket(zmq.PUSH, sndhwm=10)
            pull = self.socket(zmq.PULL, rcvhwm=10)
            pull.connect(self.bind(push, "inproc"))
            sent = 0

            async def send():
                nonlocal sent
                for _ in range(500):
                    await push.send(b"x")
                    sent += 1

            sender = asyncio.create_task(send())
            await asyncio.sleep(0.05)
            self.assertLess(sent, 500)
            for _ in range(500):
                await pull.recv()
            await sender

        self.run_within_patience(work())

    def test_a_poller_is_awaited(self):
        async def work():
            first, to_first = self.pair(zmq.PULL, zmq.PUSH)
            second, to_second = self.pair(zmq.PULL, zmq.PUSH, "inproc")
            poller = zmq.asyncio.Poller()
            poller.register(first, zmq.POLLIN)
            poller.register(second, zmq.POLLIN)
            self.assertEqual(await poller.poll(10), [])
            await to_second.send(b"2")
            self.assertEqual(dict(await poller.poll()), {second: zmq.POLLIN})
            await second.recv()
            await to_first.send(b"1")
            self.assertEqual(dict(await poller.poll()), {first: zmq.POLLIN})

        self.run_within_patience(work())

    def test_large_messages_go_without_a_copy(self):
        async def work():
            pull, push = self.pair(zmq.PULL, zmq.PUSH)
            data = os.urandom(3 << 20)

            async def send():
                for _ in range(10):
                    await push.send_multipart([b"head", data], copy=False)

            sender = asyncio.create_task(send())
            for _ in range(10):
                head, body = await pull.recv_multipart(copy=False)
                self.assertEqual((head.bytes, body.bytes), (b"head", data))
            await sender

        self.run_within_patience(work())


if __name__ == "__main__":
    client.run()
