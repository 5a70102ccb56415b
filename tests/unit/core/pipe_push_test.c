/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Pushing on: who writes longer frames into a pipe to the I/O side takes the
 * helm after CZ_PUSH_BYTES and ends the naps there, so that they are written to
 * the network while they are in its cache.
 *
 * The far end naps for so long that nobody but the sender can end it: the I/O
 * thread waits in its reactor, and does not take part.
 *
 * Thread: the main thread is the application. Owns: nothing.
 */
#include "io_scene.h"

#include "core/pipe.h"

enum {
    BODY = 1024,
    PORTION = CZ_PUSH_BYTES / BODY, /* messages between two pushes */
};

/* Reads only when a nap ends, and only what is there, so that it never sleeps:
 * it need not be woken. */
struct sink {
    struct cz_pipe_end *end;
    struct scene *scene;
    struct cz_io_napper napper;
    uint32_t naps;
    uint32_t messages;
    uintptr_t thread; /* where the last nap ended */
    struct event closed;
};

struct client {
    struct cz_pipe_end *end;
    struct sink sink;
};

static void sink_on_nap_end(struct cz_io_napper *napper)
{
    struct sink *sink = cz_container_of(napper, struct sink, napper);
    struct cz_frame frame;

    sink->naps++;
    sink->thread = cz_thread_self();
    for (uint32_t n = cz_pipe_waiting(sink->end); n > 0; n--) {
        do
            CHECK(cz_pipe_read(sink->end, &frame));
        while (frame.flags & CZ_FRAME_MORE);
        sink->messages++;
    }
}

static void sink_on_event(void *owner, struct cz_pipe_end *end)
{
    (void)owner;
    (void)end; /* it lies down when the test says so */
}

static void sink_on_peer_closed(void *owner, struct cz_pipe_end *end)
{
    struct sink *sink = owner;

    cz_list_remove(&sink->napper.link);
    cz_pipe_close(end, 0);
    event_happen(&sink->closed);
}

static const struct cz_pipe_events sink_events = {
    .on_attach = sink_on_event,
    .on_readable = sink_on_event,
    .on_writable = sink_on_event,
    .on_peer_closed = sink_on_peer_closed,
};

static const struct cz_pipe_events client_events = {
    .on_readable = sink_on_event,
    .on_writable = sink_on_event,
    .on_peer_closed = sink_on_event,
};

/* From now on the sink naps, and the I/O thread waits for longer than this test
 * takes. */
static void sink_lie_down(struct sink *sink)
{
    struct cz_io_thread *io = sink->scene->io;
    bool is_at_rest = false;

    cz_io_lock(io);
    cz_io_rest(io, &sink->napper, PATIENCE_US);
    cz_io_unlock(io);
    while (!is_at_rest) {
        cz_thread_yield();
        cz_io_lock(io);
        is_at_rest = io->is_waiting && io->waits_until_us <= io->naps_end_us;
        cz_io_unlock(io);
    }
}

static void client_write(struct client *client, size_t size, uint8_t flags)
{
    static const uint8_t body[BODY];
    struct cz_frame frame = {.data = body, .size = size, .flags = flags};

    assert_int_equal(cz_pipe_write(client->end, &frame), 0);
}

static void client_write_some(struct client *client, uint32_t count)
{
    while (count-- > 0)
        client_write(client, BODY, 0);
}

/* One message is there, which has woken the sink. */
static void join_up(struct client *client, struct scene *scene)
{
    const uint32_t marks[2] = {0, 0};
    struct cz_pipe *pipe = cz_pipe_create(marks, NULL);

    assert_non_null(pipe);
    memset(client, 0, sizeof *client);
    client->end = &pipe->ends[0];
    client->sink.end = &pipe->ends[1];
    client->sink.scene = scene;
    client->sink.napper.on_nap_end = sink_on_nap_end;
    cz_list_init(&client->sink.napper.link);
    scene->mailbox->has_baton = true;
    cz_pipe_own(&pipe->ends[0], scene->mailbox, &client_events, client);
    cz_pipe_own(&pipe->ends[1], scene->io->mailbox, &sink_events,
                &client->sink);
    assert_true(cz_pipe_post_attach(&pipe->ends[1]));
    client_write(client, 0, 0);
    sink_lie_down(&client->sink);
}

static void client_close(struct client *client)
{
    cz_pipe_close(client->end, 0);
    event_await(&client->sink.closed, 1);
}

static void after_push_bytes_the_sender_pushes(void **state)
{
    struct client client;
    struct sink *sink = &client.sink;

    join_up(&client, *state);
    for (uint32_t i = 1; i <= 3; i++) {
        client_write_some(&client, PORTION - 1);
        assert_int_equal(sink->naps, i - 1);
        client_write_some(&client, 1);
        assert_int_equal(sink->naps, i);
        assert_int_equal(sink->messages, 1 + i * PORTION);
        assert_true(sink->thread == cz_thread_self());
        sink_lie_down(sink);
    }
    client_close(&client);
}

static void what_others_have_pushed_does_not_count(void **state)
{
    struct client client;
    struct sink *sink = &client.sink;

    join_up(&client, *state);
    client_write_some(&client, PORTION / 2);
    assert_true(cz_io_help(sink->scene->io));
    assert_int_equal(sink->messages, 1 + PORTION / 2);
    sink_lie_down(sink);
    client_write_some(&client, PORTION - 1);
    assert_int_equal(sink->naps, 1);
    client_write_some(&client, 1);
    assert_int_equal(sink->naps, 2);
    client_close(&client);
}

/* Of half a message there is nothing to write. */
static void a_message_is_pushed_when_it_is_complete(void **state)
{
    static const size_t last_sizes[] = {0, BODY};
    struct client client;
    struct sink *sink = &client.sink;

    join_up(&client, *state);
    for (uint32_t i = 0; i < CZ_COUNT_OF(last_sizes); i++) {
        for (uint32_t part = 0; part < 2 * PORTION; part++)
            client_write(&client, BODY, CZ_FRAME_MORE);
        assert_int_equal(sink->naps, i);
        client_write(&client, last_sizes[i], 0);
        assert_int_equal(sink->naps, i + 1);
        assert_int_equal(sink->messages, i + 2);
        sink_lie_down(sink);
    }
    client_close(&client);
}

/* They are many before they are much: batches form by themselves. */
static void short_frames_are_not_counted(void **state)
{
    struct client client;

    join_up(&client, *state);
    for (uint32_t i = 0; i < 2 * CZ_PUSH_BYTES; i++)
        client_write(&client, 1, 0);
    assert_int_equal(client.sink.naps, 0);
    client_close(&client);
}

static void without_the_baton_nobody_pushes(void **state)
{
    struct scene *scene = *state;
    struct client client;

    join_up(&client, scene);
    scene->mailbox->has_baton = false;
    client_write_some(&client, 3 * PORTION);
    assert_int_equal(client.sink.naps, 0);
    client_close(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(epoll, after_push_bytes_the_sender_pushes),
        ON(epoll, what_others_have_pushed_does_not_count),
        ON(epoll, a_message_is_pushed_when_it_is_complete),
        ON(epoll, short_frames_are_not_counted),
        ON(epoll, without_the_baton_nobody_pushes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
