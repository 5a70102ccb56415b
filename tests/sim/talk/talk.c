/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Sockets, messages and the book of what has come.
 *
 * Thread: simulated ones. Owns: nothing.
 */
#include "sim/talk/talk.h"

#include "base/compiler.h"
#include "ceromq.h"
#include "os/poll.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- Contexts and sockets ---- */

void *talk_context(void)
{
    void *ctx = zmq_ctx_new();

    SIM_CHECK(ctx);
    TALK_OK(zmq_ctx_set(ctx, ZMQ_IO_THREADS, 1 + (int)sim_random(3)));
    if (sim_random(2))
        TALK_OK(cero_ctx_set_spin(ctx, 0));
    if (sim_random(3) == 0)
        TALK_OK(cero_ctx_set_baton(ctx, 0));
    return ctx;
}

void *talk_socket(void *ctx, int type)
{
    void *socket = zmq_socket(ctx, type);

    SIM_CHECK(socket);
    return socket;
}

void talk_set(void *socket, int option, int value)
{
    TALK_OK(zmq_setsockopt(socket, option, &value, sizeof value));
}

int talk_get(void *socket, int option)
{
    int value;
    size_t size = sizeof value;

    TALK_OK(zmq_getsockopt(socket, option, &value, &size));
    return value;
}

void talk_set_marks(void *socket)
{
    static const int marks[] = {1, 2, 5, 50, 1000};

    talk_set(socket, ZMQ_SNDHWM, marks[sim_random(CZ_COUNT_OF(marks))]);
    talk_set(socket, ZMQ_RCVHWM, marks[sim_random(CZ_COUNT_OF(marks))]);
}

void talk_address(enum talk_transport transport, unsigned index,
                  char address[TALK_ENDPOINT_MAX])
{
    static const char *const formats[] = {
        [TALK_TCP] = "tcp://127.0.0.1:*",
        [TALK_IPC] = "ipc:///tmp/talk-%u",
        [TALK_ABSTRACT] = "ipc://@talk-%u",
        [TALK_INPROC] = "inproc://talk-%u",
    };
    const char *at = strstr(formats[transport], "%u");

    if (at)
        snprintf(address, TALK_ENDPOINT_MAX, "%.*s%u",
                 (int)(at - formats[transport]), formats[transport], index);
    else
        snprintf(address, TALK_ENDPOINT_MAX, "%s", formats[transport]);
}

void talk_bind(void *socket, enum talk_transport transport, unsigned index,
               char endpoint[TALK_ENDPOINT_MAX])
{
    char address[TALK_ENDPOINT_MAX];
    size_t size = TALK_ENDPOINT_MAX;

    talk_address(transport, index, address);
    TALK_OK(zmq_bind(socket, address));
    TALK_OK(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size));
}

/* ---- What a message looks like ---- */

enum { PARTS_MAX = 4, PART_MAX = 40000 };

/* The first part begins with this. */
struct head {
    uint32_t sender;
    uint32_t number;
    uint32_t parts;
};

static uint32_t mix(uint32_t a, uint32_t b)
{
    uint32_t x = a * 0x9e3779b1U ^ (b + 0x7f4a7c15U);

    x ^= x >> 16;
    x *= 0x85ebca6bU;
    x ^= x >> 13;
    x *= 0xc2b2ae35U;
    return x ^ x >> 16;
}

static uint32_t message_key(struct talk_message message)
{
    return mix(mix((uint32_t)sim_seed(), message.sender), message.number);
}

static uint32_t message_parts(struct talk_message message)
{
    uint32_t key = message_key(message);

    return key % 3 == 0 ? 1 + key / 3 % PARTS_MAX : 1;
}

/* Mostly small. One seed in eight has parts that are handed over with their
 * chunk (some KiB), or that travel by reference (from 16 KiB on). */
static size_t part_size(struct talk_message message, uint32_t part)
{
    uint32_t key = mix(message_key(message), part);
    size_t size = key % 50;

    if (key / 50 % 8 == 0)
        size = key / 400 % 300;
    if (message.sender < TALK_SMALL && sim_seed() % 8 == 0 &&
        key / 50 % 20 == 1)
        size = key / 1000 % PART_MAX;
    return part == 0 ? size + sizeof(struct head) : size;
}

static void part_fill(struct talk_message message, uint32_t part, uint8_t *to,
                      size_t size)
{
    uint32_t key = mix(message_key(message), part);
    size_t i;

    for (i = 0; i < size; i++)
        to[i] = (uint8_t)(key + i * 7 + i / 256);
    if (part == 0) {
        struct head head = {message.sender, message.number,
                            message_parts(message)};

        memcpy(to, &head, sizeof head);
    }
}

size_t talk_wire_size(struct talk_message message)
{
    uint32_t parts = message_parts(message), part;
    size_t total = 0;

    for (part = 0; part < parts; part++) {
        size_t size = part_size(message, part);

        total += size + (size < 256 ? 2 : 9);
    }
    return total;
}

/* ---- Sending ---- */

static void part_make(zmq_msg_t *to, struct talk_message message, uint32_t part)
{
    size_t size = part_size(message, part);

    TALK_OK(zmq_msg_init_size(to, size));
    part_fill(message, part, zmq_msg_data(to), size);
}

/* A disk that fails (sim_config) will work again, and what has not been taken
 * is still there. */
static int part_send(void *socket, zmq_msg_t *msg, int flags)
{
    int rc;

    do
        rc = zmq_msg_send(msg, socket, flags);
    while (rc == -1 && (zmq_errno() == EIO || zmq_errno() == ENOSPC));
    return rc;
}

int talk_try_send(void *socket, struct talk_message message, int flags)
{
    uint32_t parts = message_parts(message), part;

    for (part = 0; part < parts; part++) {
        int more = part + 1 < parts ? ZMQ_SNDMORE : 0;
        zmq_msg_t msg;

        part_make(&msg, message, part);
        if (part_send(socket, &msg, flags | more) == -1) {
            int error = zmq_errno();

            if (part > 0 && error != ETERM)
                sim_fail("part %u of a message refused: %s", part,
                         zmq_strerror(error));
            TALK_OK(zmq_msg_close(&msg));
            return -error;
        }
    }
    return 0;
}

void talk_send(void *socket, struct talk_message message)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLOUT};
    int rc;

    if (sim_random(2)) {
        rc = talk_try_send(socket, message, 0);
    } else {
        while ((rc = talk_try_send(socket, message, ZMQ_DONTWAIT)) == -EAGAIN)
            TALK_OK(zmq_poll(&item, 1, -1));
    }
    if (rc != 0)
        sim_fail("message %u of %u: %s", message.number, message.sender,
                 zmq_strerror(-rc));
}

/* ---- Receiving ---- */

static void part_check(struct talk_message message, uint32_t part,
                       zmq_msg_t *msg)
{
    uint8_t expected[PART_MAX + sizeof(struct head)];
    size_t size = part_size(message, part);

    if (zmq_msg_size(msg) != size)
        sim_fail("part %u of message %u of %u has %zu bytes, not %zu", part,
                 message.number, message.sender, zmq_msg_size(msg), size);
    part_fill(message, part, expected, size);
    if (memcmp(zmq_msg_data(msg), expected, size) != 0)
        sim_fail("part %u of message %u of %u is garbled", part, message.number,
                 message.sender);
    if (zmq_msg_more(msg) != (part + 1 < message_parts(message)))
        sim_fail("message %u of %u is torn at part %u", message.number,
                 message.sender, part);
}

int talk_try_recv(void *socket, struct talk_message *message, int flags)
{
    zmq_msg_t msg;
    struct head head;
    uint32_t part;

    TALK_OK(zmq_msg_init(&msg));
    if (zmq_msg_recv(&msg, socket, flags) == -1) {
        int error = zmq_errno();

        TALK_OK(zmq_msg_close(&msg));
        return -error;
    }
    if (zmq_msg_size(&msg) < sizeof head)
        sim_fail("a first part of %zu bytes", zmq_msg_size(&msg));
    memcpy(&head, zmq_msg_data(&msg), sizeof head);
    *message = (struct talk_message){head.sender, head.number};
    part_check(*message, 0, &msg);
    for (part = 1; part < head.parts; part++) {
        /* All of a message is there when its first part is. */
        if (zmq_msg_recv(&msg, socket, ZMQ_DONTWAIT) == -1) {
            int error = zmq_errno();

            if (error != ETERM)
                sim_fail("no part %u of message %u of %u: %s", part,
                         head.number, head.sender, zmq_strerror(error));
            TALK_OK(zmq_msg_close(&msg));
            return -error;
        }
        part_check(*message, part, &msg);
    }
    TALK_OK(zmq_msg_close(&msg));
    return 0;
}

/* Waits on ZMQ_FD, whose level says only that ZMQ_EVENTS may have changed. */
static int recv_by_fd(void *socket, struct talk_message *message,
                      int64_t timeout_us)
{
    struct pollfd at = {.fd = talk_get(socket, ZMQ_FD), .events = POLLIN};
    int rc;

    while (!(talk_get(socket, ZMQ_EVENTS) & ZMQ_POLLIN)) {
        rc = cz_os_poll(&at, 1, timeout_us);
        SIM_CHECK(rc >= 0);
        if (rc == 0)
            return -EAGAIN;
    }
    return talk_try_recv(socket, message, ZMQ_DONTWAIT);
}

bool talk_recv(void *socket, struct talk_message *message, int timeout_ms)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    int rc = -EAGAIN;

    switch (sim_random(8)) {
    case 0:
        rc = recv_by_fd(socket, message,
                        timeout_ms < 0 ? -1 : (int64_t)timeout_ms * 1000);
        break;
    case 1:
    case 2:
    case 3:
        rc = zmq_poll(&item, 1, timeout_ms);
        SIM_CHECK(rc >= 0);
        /* A poll that says "readable" means it. */
        rc = rc > 0 ? talk_try_recv(socket, message, ZMQ_DONTWAIT) : -EAGAIN;
        SIM_CHECK(!item.revents == (rc == -EAGAIN));
        break;
    default:
        talk_set(socket, ZMQ_RCVTIMEO, timeout_ms);
        rc = talk_try_recv(socket, message, 0);
        break;
    }
    if (rc != 0 && (rc != -EAGAIN || timeout_ms < 0))
        sim_fail("recv: %s", zmq_strerror(-rc));
    return rc == 0;
}

/* ---- The book ---- */

void talk_book_enter(struct talk_book *book, struct talk_message message)
{
    if (message.sender >= TALK_SENDERS_MAX || message.number >= TALK_COUNT_MAX)
        sim_fail("message %u of %u: nobody sent it", message.number,
                 message.sender);
    if (book->has_come[message.sender][message.number])
        sim_fail("message %u of %u has come twice", message.number,
                 message.sender);
    book->has_come[message.sender][message.number] = true;
    book->total++;
}

void talk_order_check(struct talk_order *order, struct talk_message message)
{
    SIM_CHECK(message.sender < TALK_SENDERS_MAX);
    if (message.number < order->next[message.sender])
        sim_fail("message %u of %u comes after message %u", message.number,
                 message.sender, order->next[message.sender] - 1);
    order->next[message.sender] = message.number + 1;
}
