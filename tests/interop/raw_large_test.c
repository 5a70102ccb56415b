/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Large frames, of which the reader expects more of the same size when some
 * have come: that anything else may follow, and that the bytes may come in
 * any pieces.
 *
 * Thread: the main thread of a test.
 */
#include "common/env.h"
#include "common/raw.h"
#include "common/socket.h"
#include "common/zmtp.h"

#include <unistd.h>

#define HEADER 9

enum { MORE = 1, LONG = 2, COMMAND = 4, RESERVED = 0xf8 };

struct part {
    size_t size;
    int flags;
    int times;
};

/* Habits, and what breaks them. */
static const struct part script[] = {
    {20000, 0, 4},        {5, 0, 1},        {20000, 0, 3},   {20001, 0, 3},
    {19999, 0, 1},        {20000, MORE, 3}, {3, 0, 1},       {16384, 0, 20},
    {16383, 0, 3},        {16384, 0, 3},    {5, COMMAND, 1}, {16384, 0, 3},
    {20000, COMMAND, 1},  {20000, 0, 3},    {0, 0, 2},       {65536, 0, 5},
    {65536, RESERVED, 2}, {65536, MORE, 2}, {65536, 0, 1},   {131072, 0, 3},
    {300, 0, 300},        {1 << 20, 0, 3},  {131063, 0, 3},  {131064, 0, 3},
    {20000, 0, 2},
};

#define SCRIPT_COUNT (sizeof(script) / sizeof(script[0]))

/* The frames one after the other, in long form all of them. */
struct bytes {
    unsigned char *at;
    size_t size;
};

static void fill(unsigned char *body, size_t size, int seed)
{
    for (size_t i = 0; i < size; i++)
        body[i] = (unsigned char)(i * 7 + i / 251 + (size_t)seed * 31);
}

static void put_header(unsigned char *to, int flags, size_t size)
{
    to[0] = (unsigned char)(flags | LONG);
    for (int i = 0; i < 8; i++)
        to[1 + i] = (unsigned char)((uint64_t)size >> (56 - 8 * i));
}

static void put_frame(struct bytes *bytes, const struct part *part, int seed)
{
    unsigned char *to;

    bytes->at = realloc(bytes->at, bytes->size + HEADER + part->size);
    assert_non_null(bytes->at);
    to = bytes->at + bytes->size;
    put_header(to, part->flags, part->size);
    fill(to + HEADER, part->size, seed);
    /* A command that means nothing: an empty name. */
    if (part->flags == COMMAND)
        to[HEADER] = 0;
    bytes->size += HEADER + part->size;
}

static struct bytes put_script(void)
{
    struct bytes bytes = {0};
    int seed = 0;

    for (size_t i = 0; i < SCRIPT_COUNT; i++) {
        for (int k = 0; k < script[i].times; k++)
            put_frame(&bytes, &script[i], seed++);
    }
    return bytes;
}

static void expect_frame(void *socket, const struct part *part, int seed)
{
    unsigned char *want = malloc(part->size + 1);
    zmq_msg_t msg;

    assert_non_null(want);
    fill(want, part->size, seed);
    assert_ok(zmq_msg_init(&msg));
    assert_int_equal(zmq_msg_recv(&msg, socket, 0), part->size);
    assert_int_equal(zmq_msg_more(&msg), part->flags == MORE);
    assert_memory_equal(zmq_msg_data(&msg), want, part->size);
    assert_ok(zmq_msg_close(&msg));
    free(want);
}

static void expect_script(void *socket)
{
    int seed = 0;

    for (size_t i = 0; i < SCRIPT_COUNT; i++) {
        for (int k = 0; k < script[i].times; k++, seed++) {
            if (script[i].flags != COMMAND)
                expect_frame(socket, &script[i], seed);
        }
    }
}

static int dial(struct env *env, void *socket)
{
    int fd = zmtp_dial(env, socket);

    raw_handshake(fd, "PUSH");
    return fd;
}

static void anything_may_follow_frames_of_one_size(void **state)
{
    static const size_t pieces[] = {1u << 30, 131072, 131073, 65545, 65536,
                                    40018,    20009,  20000,  8193,  4099};
    struct env *env = *state;
    struct bytes bytes = put_script();
    void *pull = env_socket(env, ZMQ_PULL);
    int fd = dial(env, pull);

    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        for (size_t done = 0; done < bytes.size; done += pieces[i]) {
            size_t left = bytes.size - done;

            raw_write(fd, bytes.at + done, left < pieces[i] ? left : pieces[i]);
        }
        expect_script(pull);
    }
    expect_nothing(pull);
    free(bytes.at);
    close(fd);
}

/* The last piece of each frame brings a part of the next one. */
static void the_next_frame_may_be_cut_anywhere_near_its_header(void **state)
{
    const struct part part = {20000, 0, 1};
    const size_t whole = HEADER + part.size;
    struct env *env = *state;
    struct bytes bytes = {0};
    void *pull = env_socket(env, ZMQ_PULL);
    int fd = dial(env, pull);

    for (int i = 0; i < 8; i++)
        put_frame(&bytes, &part, i);
    for (size_t cut = 0; cut <= HEADER + 2; cut++) {
        size_t done = 0;

        for (size_t i = 0; i < 8; i++) {
            size_t end = i < 7 ? (i + 1) * whole + cut : bytes.size;

            raw_write(fd, bytes.at + done, end - done);
            done = end;
            expect_frame(pull, &part, (int)i);
        }
    }
    free(bytes.at);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(anything_may_follow_frames_of_one_size),
        ON_STREAMS(the_next_frame_may_be_cut_anywhere_near_its_header),
    };

    return cmocka_run_group_tests_name("raw_large", tests, NULL, NULL);
}
