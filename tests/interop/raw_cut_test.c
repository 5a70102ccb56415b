/* SPDX-License-Identifier: MPL-2.0 */
/*
 * CTest: TIMEOUT 180
 *
 * A peer that stalls, closes or resets at every byte of greeting, READY
 * and a stream of messages. No complete message is lost, no part of an
 * incomplete one is ever seen, and the socket's other connection goes on.
 *
 * Thread: the main thread of a test.
 */
#include "common/env.h"
#include "common/monitor.h"
#include "common/raw.h"
#include "common/socket.h"
#include "common/zmtp.h"

#include <sys/socket.h>
#include <unistd.h>

/* The frames of the stream; a message ends where no more follow. */
static const struct {
    size_t size;
    bool has_more;
} frames[] = {
    {3, false}, {1, true},   {2, true},  {3, false},
    {0, false}, {256, true}, {4, false}, {5, false},
};

#define FRAMES (sizeof(frames) / sizeof(frames[0]))
#define BODY_MAX 256

/* The whole life of a peer that sends: what it says, how long its opening
 * is, and where each frame ends. */
struct stream {
    struct zmtp_bytes bytes;
    size_t opening_size;
    size_t ends[FRAMES];
};

static void fill(unsigned char *body, size_t frame)
{
    for (size_t i = 0; i < frames[frame].size; i++)
        body[i] = (unsigned char)(16 * frame + i);
}

static void build(struct stream *stream)
{
    unsigned char body[BODY_MAX];

    stream->bytes.size = 0;
    zmtp_put_opening(&stream->bytes, "PUSH");
    stream->opening_size = stream->bytes.size;
    for (size_t i = 0; i < FRAMES; i++) {
        fill(body, i);
        zmtp_put_frame(&stream->bytes, frames[i].has_more, body,
                       frames[i].size);
        stream->ends[i] = stream->bytes.size;
    }
}

/* How many frames belong to messages that are complete after `size`
 * bytes. */
static size_t complete_frames(const struct stream *stream, size_t size)
{
    size_t count = 0;

    for (size_t i = 0; i < FRAMES && stream->ends[i] <= size; i++)
        if (!frames[i].has_more)
            count = i + 1;
    return count;
}

static void receive_frames(void *pull, size_t first, size_t end)
{
    unsigned char want[BODY_MAX];
    unsigned char got[BODY_MAX + 1];

    for (size_t i = first; i < end; i++) {
        fill(want, i);
        assert_int_equal(zmq_recv(pull, got, sizeof(got), 0), frames[i].size);
        assert_memory_equal(got, want, frames[i].size);
        assert_int_equal(get_int(pull, ZMQ_RCVMORE), frames[i].has_more);
    }
}

/* The first `size` bytes. Messages wait for the socket's own READY, as
 * the protocol asks. */
static void write_first(int fd, const struct stream *stream, size_t size)
{
    if (size <= stream->opening_size) {
        raw_write(fd, stream->bytes.bytes, size);
        return;
    }
    raw_write(fd, stream->bytes.bytes, stream->opening_size);
    zmtp_expect_opening(fd, "PULL");
    raw_write(fd, stream->bytes.bytes + stream->opening_size,
              size - stream->opening_size);
}

static void write_rest(int fd, const struct stream *stream, size_t size)
{
    if (size <= stream->opening_size) {
        raw_write(fd, stream->bytes.bytes + size, stream->opening_size - size);
        zmtp_expect_opening(fd, "PULL");
        size = stream->opening_size;
    }
    raw_write(fd, stream->bytes.bytes + size, stream->bytes.size - size);
}

enum cut { CLOSE, RESET, STALL };

/* A PULL socket, a connection that works, and one that is cut. */
struct scene {
    void *pull;
    void *monitor;
    char endpoint[ENDPOINT_MAX];
    int good;
    struct stream stream;
};

static void expect_good(struct scene *scene)
{
    raw_write(scene->good, "\0\4good", 6);
    expect_part(scene->pull, "good", false);
    expect_nothing(scene->pull);
}

static void cut_once(struct scene *scene, size_t size, enum cut cut)
{
    size_t complete = complete_frames(&scene->stream, size);
    int fd = raw_connect(scene->endpoint);

    /* A connection that breaks before it is accepted tells nobody. */
    monitor_wait(scene->monitor, ZMQ_EVENT_ACCEPTED);
    write_first(fd, &scene->stream, size);
    if (cut == CLOSE)
        shutdown(fd, SHUT_WR);
    /* A reset may take with it what the kernel has not handed out. */
    if (cut != CLOSE)
        receive_frames(scene->pull, 0, complete);
    if (cut == STALL) {
        expect_good(scene);
        write_rest(fd, &scene->stream, size);
        receive_frames(scene->pull, complete, FRAMES);
    }
    if (cut == CLOSE) {
        assert_true(raw_is_hung_up(fd, PATIENCE_MS));
        close(fd);
    } else {
        zmtp_reset(fd);
    }
    monitor_wait(scene->monitor, ZMQ_EVENT_DISCONNECTED);
    if (cut == CLOSE)
        receive_frames(scene->pull, 0, complete);
    expect_good(scene);
}

static void cut_everywhere(struct env *env, enum cut cut)
{
    struct scene *scene = calloc(1, sizeof(*scene));

    assert_non_null(scene);
    build(&scene->stream);
    scene->pull = env_socket(env, ZMQ_PULL);
    scene->monitor = monitor_open(env, scene->pull,
                                  ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED);
    env_bind(env, scene->pull, scene->endpoint);
    scene->good = raw_connect(scene->endpoint);
    raw_handshake(scene->good, "PUSH");
    monitor_wait(scene->monitor, ZMQ_EVENT_ACCEPTED);
    for (size_t size = 0; size <= scene->stream.bytes.size; size++)
        cut_once(scene, size, cut);
    close(scene->good);
    free(scene);
}

static void peer_may_close_at_every_byte(void **state)
{
    cut_everywhere(*state, CLOSE);
}

static void peer_may_reset_at_every_byte(void **state)
{
    cut_everywhere(*state, RESET);
}

static void peer_may_stall_at_every_byte(void **state)
{
    cut_everywhere(*state, STALL);
}

/* A peer that has said everything hangs up while our queue is full: what
 * waits in the kernel is drained first, however late it is read. On ipc,
 * where the hang-up is announced before that, libzmq drops it. */
static void full_queue_is_filled_from_a_peer_that_hung_up(void **state)
{
    enum { WRITES = 16, PER_WRITE = 400 };
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    void *monitor = monitor_open(env, pull, ZMQ_EVENT_DISCONNECTED);
    struct monitor_event event;
    uint32_t number = 0;
    int fd;

    if (!is_ceromq() && env->transport == &transport_ipc)
        skip();
    set_int(pull, ZMQ_RCVHWM, 5);
    fd = zmtp_dial(env, pull);
    raw_handshake(fd, "PUSH");
    for (int i = 0; i < WRITES; i++) {
        struct zmtp_bytes bytes = {.size = 0};

        for (int j = 0; j < PER_WRITE; j++, number++)
            zmtp_put_frame(&bytes, 0, &number, sizeof(number));
        zmtp_write(fd, &bytes);
    }
    close(fd);
    /* Time to notice the hang-up, were it noticed too early. */
    (void)monitor_next(monitor, &event, GLANCE_MS);
    for (uint32_t i = 0; i < number; i++)
        assert_int_equal(receive_number(pull), i);
    expect_nothing(pull);
}

static void send_frames(void *push)
{
    unsigned char body[BODY_MAX];

    for (size_t i = 0; i < FRAMES; i++) {
        fill(body, i);
        assert_int_equal(zmq_send(push, body, frames[i].size,
                                  frames[i].has_more ? ZMQ_SNDMORE : 0),
                         frames[i].size);
    }
}

/* One frame as it must come from the socket; false: it is another one. */
static bool is_frame(size_t frame, int flags, const void *body, size_t size)
{
    unsigned char want[BODY_MAX];

    fill(want, frame);
    return (flags & ZMTP_MORE) == frames[frame].has_more &&
           size == frames[frame].size && memcmp(body, want, size) == 0;
}

static void handshake_cut_anywhere_loses_no_queued_message(void **state)
{
    struct env *env = *state;
    void *push = env_socket(env, ZMQ_PUSH);
    char endpoint[ENDPOINT_MAX];
    struct zmtp_bytes opening = {.size = 0};
    int listener;
    int fd;

    zmtp_put_opening(&opening, "PULL");
    set_int(push, ZMQ_RECONNECT_IVL, 1);
    env_free_endpoint(env, endpoint);
    listener = raw_listen(endpoint);
    assert_ok(zmq_connect(push, endpoint));
    send_frames(push);
    for (size_t size = 0; size < opening.size; size++) {
        fd = raw_accept(listener);
        raw_write(fd, opening.bytes, size);
        if (size % 2)
            zmtp_reset(fd);
        else
            close(fd);
    }
    fd = raw_accept(listener);
    zmtp_write(fd, &opening);
    zmtp_expect_opening(fd, "PUSH");
    for (size_t i = 0; i < FRAMES; i++) {
        unsigned char body[BODY_MAX];
        int flags;
        size_t size = raw_read_frame(fd, &flags, body, sizeof(body));

        assert_true(is_frame(i, flags, body, size));
    }
    zmtp_expect_silence(fd);
    close(fd);
    close(listener);
}

/* The new connection: whole messages, in order, up to the mark. Those that
 * were given to the kernel before the cut are gone. */
static void expect_whole_messages_until(int fd, const char *mark)
{
    size_t next = 0;

    for (;;) {
        unsigned char body[BODY_MAX];
        int flags;
        size_t size = raw_read_frame(fd, &flags, body, sizeof(body));
        bool is_first = next == 0 || !frames[next - 1].has_more;

        if (is_first && size == strlen(mark) && !memcmp(body, mark, size))
            return;
        if (is_first) {
            while (next < FRAMES && !is_frame(next, flags, body, size))
                do {
                    next++;
                } while (next < FRAMES && frames[next - 1].has_more);
        }
        assert_true(next < FRAMES);
        assert_true(is_frame(next, flags, body, size));
        next++;
    }
}

static void reader_may_vanish_after_every_byte(void **state)
{
    struct env *env = *state;
    void *push = env_socket(env, ZMQ_PUSH);
    void *monitor =
        monitor_open(env, push, ZMQ_EVENT_CONNECTED | ZMQ_EVENT_DISCONNECTED);
    struct stream *stream = malloc(sizeof(*stream));
    char endpoint[ENDPOINT_MAX];
    int listener;

    assert_non_null(stream);
    build(stream);
    set_int(push, ZMQ_RECONNECT_IVL, 1);
    env_free_endpoint(env, endpoint);
    listener = raw_listen(endpoint);
    assert_ok(zmq_connect(push, endpoint));
    for (size_t size = 0; size <= stream->bytes.size; size++) {
        unsigned char got[ZMTP_BYTES_MAX];
        char mark[32];
        int fd = raw_accept(listener);
        struct zmtp_bytes opening = {.size = 0};

        monitor_wait(monitor, ZMQ_EVENT_CONNECTED);
        zmtp_put_opening(&opening, "PULL");
        zmtp_write(fd, &opening);
        send_frames(push);
        raw_read(fd, got, size);
        assert_memory_equal(got, stream->bytes.bytes, size);
        if (size % 2)
            zmtp_reset(fd);
        else
            close(fd);
        monitor_wait(monitor, ZMQ_EVENT_DISCONNECTED);
        snprintf(mark, sizeof(mark), "mark %zu", size);
        send_text(push, mark, 0);
        fd = raw_accept(listener);
        raw_handshake(fd, "PULL");
        expect_whole_messages_until(fd, mark);
        close(fd);
        monitor_wait(monitor, ZMQ_EVENT_DISCONNECTED);
    }
    close(listener);
    free(stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(peer_may_stall_at_every_byte),
        ON_STREAMS(peer_may_close_at_every_byte),
        ON_STREAMS(peer_may_reset_at_every_byte),
        ON_STREAMS(full_queue_is_filled_from_a_peer_that_hung_up),
        ON_STREAMS(handshake_cut_anywhere_loses_no_queued_message),
        ON_STREAMS(reader_may_vanish_after_every_byte),
    };

    return cmocka_run_group_tests_name("raw_cut", tests, NULL, NULL);
}
