/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The messages that the two sides of an interoperability test exchange. A
 * shape is the sizes of the parts ("64", "10+0+300"); what each part holds
 * follows from the number of the message, the part and the size, so that
 * either side can make it and verify it. A part of 12 bytes or more begins
 * with its number and ends in a checksum of all that is before.
 *
 * Thread: any. Owns: nothing.
 */
#ifndef TESTS_INTEROP_PAYLOAD_H
#define TESTS_INTEROP_PAYLOAD_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define PAYLOAD_PARTS_MAX 64
#define PAYLOAD_SUM_MIN 12

struct payload_shape {
    size_t sizes[PAYLOAD_PARTS_MAX];
    size_t part_count;
};

/* False: not a shape. */
static inline bool payload_parse(struct payload_shape *shape, const char *text)
{
    shape->part_count = 0;
    for (;;) {
        char *end;
        unsigned long long size = strtoull(text, &end, 10);

        if (end == text || shape->part_count == PAYLOAD_PARTS_MAX)
            return false;
        shape->sizes[shape->part_count++] = (size_t)size;
        if (*end == '\0')
            return true;
        if (*end != '+')
            return false;
        text = end + 1;
    }
}

static inline uint32_t payload_sum(const unsigned char *bytes, size_t size)
{
    uint32_t sum = 2166136261u;

    for (size_t i = 0; i < size; i++)
        sum = (sum ^ bytes[i]) * 16777619u;
    return sum;
}

static inline void payload_fill(unsigned char *bytes, size_t size,
                                uint64_t number, size_t part)
{
    uint32_t seed = (uint32_t)(number * 2654435761u + part * 40503u + size);

    for (size_t i = 0; i < size; i++) {
        seed = seed * 1664525u + 1013904223u;
        bytes[i] = (unsigned char)(seed >> 24);
    }
    if (size >= PAYLOAD_SUM_MIN) {
        uint32_t sum;

        memcpy(bytes, &number, sizeof(number));
        sum = payload_sum(bytes, size - sizeof(sum));
        memcpy(bytes + size - sizeof(sum), &sum, sizeof(sum));
    }
}

/* The fault of a part, or NULL. */
static inline const char *payload_fault(const unsigned char *bytes, size_t size,
                                        uint64_t number, size_t part)
{
    unsigned char *want;
    uint64_t got_number = number;
    bool is_equal;

    if (size >= PAYLOAD_SUM_MIN) {
        uint32_t sum;

        memcpy(&got_number, bytes, sizeof(got_number));
        memcpy(&sum, bytes + size - sizeof(sum), sizeof(sum));
        if (sum != payload_sum(bytes, size - sizeof(sum)))
            return "checksum";
        if (got_number != number)
            return "sequence";
    }
    want = malloc(size + 1);
    if (!want)
        return "memory";
    payload_fill(want, size, number, part);
    is_equal = memcmp(bytes, want, size) == 0;
    free(want);
    return is_equal ? NULL : "content";
}

/* Sends one message; -1 with errno when a part is not taken. */
static inline int payload_send(void *socket, const struct payload_shape *shape,
                               uint64_t number, int flags)
{
    for (size_t i = 0; i < shape->part_count; i++) {
        bool has_more = i + 1 < shape->part_count;
        zmq_msg_t msg;

        if (zmq_msg_init_size(&msg, shape->sizes[i]) == -1)
            return -1;
        payload_fill(zmq_msg_data(&msg), shape->sizes[i], number, i);
        if (zmq_msg_send(&msg, socket, flags | (has_more ? ZMQ_SNDMORE : 0)) ==
            -1) {
            int error = errno;

            zmq_msg_close(&msg);
            errno = error;
            return -1;
        }
    }
    return 0;
}

/* Receives one message and compares it with what it must be: the fault, or
 * NULL. */
static inline const char *payload_receive(void *socket,
                                          const struct payload_shape *shape,
                                          uint64_t number)
{
    for (size_t i = 0; i < shape->part_count; i++) {
        const char *fault = NULL;
        zmq_msg_t msg;

        zmq_msg_init(&msg);
        if (zmq_msg_recv(&msg, socket, 0) == -1)
            fault = zmq_strerror(zmq_errno());
        else if (zmq_msg_size(&msg) != shape->sizes[i])
            fault = "size";
        else if ((bool)zmq_msg_more(&msg) != (i + 1 < shape->part_count))
            fault = "parts";
        else
            fault = payload_fault(zmq_msg_data(&msg), zmq_msg_size(&msg),
                                  number, i);
        zmq_msg_close(&msg);
        if (fault)
            return fault;
    }
    return NULL;
}

#endif
