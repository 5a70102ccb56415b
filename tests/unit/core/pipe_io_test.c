/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Pipes between an application and an object on an I/O thread, as sockets
 * and sessions have them: the object runs on whichever thread holds the
 * helm, also on the application's in the middle of a send, and still every
 * message comes back, in order.
 *
 * CTest: TIMEOUT 180
 * Thread: the main thread is the application. Owns: nothing.
 */
#include "io_scene.h"

#include "core/pipe.h"
#include "os/random.h"

/* Sends back what it gets. */
struct echo {
    struct cz_pipe_end *end;
    struct cz_command start;
    uint32_t kept; /* read and not sent back yet */
    bool has_kept;
    bool is_peer_closed;
    unsigned at_helm;
    struct event closed;
};

/* A socket in miniature. */
struct client {
    struct scene *scene;
    struct cz_pipe_end *end;
    uint32_t sent;
    uint32_t received;
    bool is_peer_closed;
};

static void echo_close(struct echo *echo)
{
    struct cz_pipe_end *end = echo->end;

    echo->end = NULL;
    cz_pipe_close(end, 0);
    event_happen(&echo->closed);
}

static void echo_work(struct echo *echo)
{
    CHECK(echo->at_helm++ == 0);
    for (;;) {
        struct cz_frame frame = {
            .data = (const uint8_t *)&echo->kept,
            .size = sizeof echo->kept,
        };

        if (echo->has_kept) {
            if (cz_pipe_write(echo->end, &frame) != 0)
                break;
            echo->has_kept = false;
        }
        if (!cz_pipe_read(echo->end, &frame))
            break;
        CHECK(frame.size == sizeof echo->kept);
        memcpy(&echo->kept, frame.data, sizeof echo->kept);
        echo->has_kept = true;
    }
    echo->at_helm--;
    if (echo->is_peer_closed)
        echo_close(echo);
}

static void echo_on_event(void *owner, struct cz_pipe_end *end)
{
    struct echo *echo = owner;

    CHECK(echo->end == end);
    echo_work(echo);
}

static void echo_on_peer_closed(void *owner, struct cz_pipe_end *end)
{
    struct echo *echo = owner;

    CHECK(echo->end == end);
    echo->is_peer_closed = true;
    echo_close(echo);
}

static const struct cz_pipe_events echo_events = {
    .on_attach = echo_on_event,
    .on_readable = echo_on_event,
    .on_writable = echo_on_event,
    .on_peer_closed = echo_on_peer_closed,
};

static void client_on_event(void *owner, struct cz_pipe_end *end)
{
    struct client *client = owner;

    CHECK(client->end == end);
}

static void client_on_peer_closed(void *owner, struct cz_pipe_end *end)
{
    struct client *client = owner;

    CHECK(client->end == end);
    client->is_peer_closed = true;
}

static const struct cz_pipe_events client_events = {
    .on_readable = client_on_event,
    .on_writable = client_on_event,
    .on_peer_closed = client_on_peer_closed,
};

static void join_up(struct client *client, struct echo *echo,
                    struct scene *scene, uint32_t hwm)
{
    const uint32_t marks[2] = {hwm, hwm};
    struct cz_pipe *pipe = cz_pipe_create(marks, NULL);

    assert_non_null(pipe);
    memset(client, 0, sizeof *client);
    memset(echo, 0, sizeof *echo);
    client->scene = scene;
    client->end = &pipe->ends[0];
    echo->end = &pipe->ends[1];
    cz_pipe_own(&pipe->ends[0], scene->mailbox, &client_events, client);
    cz_pipe_own(&pipe->ends[1], scene->io->mailbox, &echo_events, echo);
    assert_true(cz_pipe_post_attach(&pipe->ends[1]));
}

static void client_wait(struct client *client, bool is_driving)
{
    struct scene *scene = client->scene;
    int rc;

    if (is_driving)
        rc = drive(scene, patience(), 0);
    else
        rc = cz_mailbox_park(scene->mailbox, patience());
    CHECK(rc == 0);
}

/* Sends bursts and takes back what comes, until all have come back. */
static void client_play(struct client *client, uint32_t count, uint32_t burst,
                        bool is_driving)
{
    while (client->received < count) {
        struct cz_frame frame = {
            .data = (const uint8_t *)&client->sent,
            .size = sizeof client->sent,
        };
        bool is_busy = false;

        cz_mailbox_run(client->scene->mailbox);
        for (uint32_t i = 0; i < burst && client->sent < count; i++) {
            if (cz_pipe_write(client->end, &frame) != 0)
                break;
            client->sent++;
            is_busy = true;
        }
        while (cz_pipe_read(client->end, &frame)) {
            CHECK(memcmp(frame.data, &client->received, frame.size) == 0);
            client->received++;
            is_busy = true;
        }
        if (!is_busy && cz_mailbox_is_empty(client->scene->mailbox))
            client_wait(client, is_driving);
    }
}

static void client_close(struct client *client, struct echo *echo)
{
    cz_pipe_close(client->end, 0);
    client->end = NULL;
    event_await(&echo->closed, 1);
}

static void everything_comes_back(void **state)
{
    static const uint32_t marks[] = {1, 2, 10, 1000, 0};
    struct scene *scene = *state;
    struct client client;
    struct echo echo;

    for (unsigned i = 0; i < 4 * CZ_COUNT_OF(marks); i++) {
        uint32_t hwm = marks[i / 4];

        join_up(&client, &echo, scene, hwm);
        client_play(&client, (hwm && hwm < 10 ? 2000 : 20000) / SCALE,
                    i & 1 ? 1 : 50, i & 2);
        client_close(&client, &echo);
    }
}

static void a_single_message_goes_out_from_the_sender(void **state)
{
    struct scene *scene = *state;
    struct client client;
    struct echo echo;

    join_up(&client, &echo, scene, 10);
    for (uint32_t i = 1; i <= 2000 / SCALE; i++)
        client_play(&client, i, 1, true);
    client_close(&client, &echo);
}

static void either_side_may_close_in_mid_stream(void **state)
{
    struct scene *scene = *state;
    uint32_t seed = cz_random_u32();

    print_message("seed %u\n", seed);
    for (int round = 0; round < 1000 / SCALE; round++) {
        struct client client;
        struct echo echo;

        seed = seed * 1664525 + 1013904223;
        join_up(&client, &echo, scene, 1 + (seed >> 8) % 20);
        client_play(&client, (seed >> 16) % 60, 1 + (seed >> 24) % 9,
                    seed >> 31);
        if (seed & 1 << 20) {
            cz_io_lock(scene->io);
            echo_close(&echo);
            cz_io_unlock(scene->io);
            while (!client.is_peer_closed) {
                client_wait(&client, seed & 1 << 21);
                cz_mailbox_run(scene->mailbox);
            }
        }
        client_close(&client, &echo);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH_DRIVABLE(everything_comes_back),
        ON_EACH_DRIVABLE(a_single_message_goes_out_from_the_sender),
        ON_EACH_DRIVABLE(either_side_may_close_in_mid_stream),
    };

    return BACKENDS_RUN(tests);
}
