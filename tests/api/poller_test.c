/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Pollers, which are a draft: libraries without the draft interface have
 * none, and there is nothing to test there.
 *
 * Thread: the main thread, and waiting threads.
 */
#define ZMQ_BUILD_DRAFT_API
#include "common/call.h"
#include "common/env.h"

#include "common/socket.h"

#include <dlfcn.h>
#include <errno.h>
#include <unistd.h>

#define MANY 40

struct scene {
    void *poller;
    void *one; /* a PAIR, connected to the next */
    void *two;
    int reading; /* a pipe(2) */
    int writing;
    zmq_poller_event_t events[MANY];
};

static bool has_pollers(void)
{
    return dlsym(RTLD_DEFAULT, "zmq_poller_new") != NULL;
}

static void scene_open(struct env *env, struct scene *scene)
{
    int fds[2];

    if (!has_pollers())
        skip();
    assert_int_equal(pipe(fds), 0);
    *scene = (struct scene){.reading = fds[0], .writing = fds[1]};
    env_pair(env, ZMQ_PAIR, &scene->one, ZMQ_PAIR, &scene->two);
    scene->poller = zmq_poller_new();
    assert_non_null(scene->poller);
}

static void scene_close(struct scene *scene)
{
    assert_ok(zmq_poller_destroy(&scene->poller));
    assert_null(scene->poller);
    close(scene->reading);
    if (scene->writing >= 0)
        close(scene->writing);
}

static void expect_event(const zmq_poller_event_t *event, void *socket, int fd,
                         const void *user_data, short events)
{
    assert_ptr_equal(event->socket, socket);
    assert_int_equal(event->fd, fd);
    assert_ptr_equal(event->user_data, user_data);
    assert_int_equal(event->events, events);
}

static void expect_no_event(const zmq_poller_event_t *event)
{
    expect_event(event, NULL, -1, NULL, 0);
}

/* ---- registering ---------------------------------------------------- */

static void the_size_counts_registrations(void **state)
{
    struct scene scene;

    scene_open(*state, &scene);
    assert_int_equal(zmq_poller_size(scene.poller), 0);
    assert_ok(zmq_poller_add(scene.poller, scene.one, NULL, ZMQ_POLLIN));
    assert_ok(zmq_poller_add(scene.poller, scene.two, NULL, 0));
    assert_int_equal(zmq_poller_size(scene.poller), 2);
    assert_ok(zmq_poller_add_fd(scene.poller, scene.reading, NULL, 0));
    assert_int_equal(zmq_poller_size(scene.poller), 3);
    assert_ok(zmq_poller_remove(scene.poller, scene.one));
    assert_ok(zmq_poller_remove_fd(scene.poller, scene.reading));
    assert_int_equal(zmq_poller_size(scene.poller), 1);
    scene_close(&scene);
}

static void nothing_is_registered_twice(void **state)
{
    struct scene scene;

    scene_open(*state, &scene);
    assert_ok(zmq_poller_add(scene.poller, scene.one, NULL, ZMQ_POLLIN));
    assert_fails(zmq_poller_add(scene.poller, scene.one, NULL, ZMQ_POLLOUT),
                 EINVAL);
    assert_ok(zmq_poller_add_fd(scene.poller, 0, NULL, 0));
    assert_fails(zmq_poller_add_fd(scene.poller, 0, NULL, 0), EINVAL);
    assert_int_equal(zmq_poller_size(scene.poller), 2);
    scene_close(&scene);
}

static void what_is_not_registered_cannot_be_changed(void **state)
{
    struct scene scene;

    scene_open(*state, &scene);
    assert_ok(zmq_poller_add(scene.poller, scene.one, NULL, ZMQ_POLLIN));
    assert_fails(zmq_poller_modify(scene.poller, scene.two, 0), EINVAL);
    assert_fails(zmq_poller_remove(scene.poller, scene.two), EINVAL);
    assert_fails(zmq_poller_modify_fd(scene.poller, 0, 0), EINVAL);
    assert_fails(zmq_poller_remove_fd(scene.poller, 0), EINVAL);
    assert_ok(zmq_poller_remove(scene.poller, scene.one));
    assert_fails(zmq_poller_remove(scene.poller, scene.one), EINVAL);
    scene_close(&scene);
}

static void unknown_events_are_refused(void **state)
{
    static const short events[] = {16, 32, -1, ZMQ_POLLIN | 64};
    struct scene scene;

    scene_open(*state, &scene);
    assert_ok(zmq_poller_add(scene.poller, scene.two, NULL, 15));
    assert_ok(zmq_poller_add_fd(scene.poller, scene.writing, NULL, 15));
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        assert_fails(zmq_poller_add(scene.poller, scene.one, NULL, events[i]),
                     EINVAL);
        assert_fails(
            zmq_poller_add_fd(scene.poller, scene.reading, NULL, events[i]),
            EINVAL);
        assert_fails(zmq_poller_modify(scene.poller, scene.two, events[i]),
                     EINVAL);
        assert_fails(
            zmq_poller_modify_fd(scene.poller, scene.writing, events[i]),
            EINVAL);
    }
    scene_close(&scene);
}

static void only_sockets_and_descriptors_are_registered(void **state)
{
    struct env *env = *state;
    struct scene scene;
    void *const no_sockets[] = {NULL, env->ctx};

    scene_open(env, &scene);
    for (size_t i = 0; i < 2; i++) {
        void *socket = no_sockets[i];

        assert_fails(zmq_poller_add(scene.poller, socket, NULL, 0), ENOTSOCK);
        assert_fails(zmq_poller_modify(scene.poller, socket, 0), ENOTSOCK);
        assert_fails(zmq_poller_remove(scene.poller, socket), ENOTSOCK);
    }
    assert_fails(zmq_poller_add_fd(scene.poller, -1, NULL, 0), EBADF);
    assert_fails(zmq_poller_modify_fd(scene.poller, -1, 0), EBADF);
    assert_fails(zmq_poller_remove_fd(scene.poller, -1), EBADF);
    scene_close(&scene);
}

static void what_is_no_poller_is_refused(void **state)
{
    struct env *env = *state;
    uint64_t nothing[32] = {0};
    void *const no_pollers[] = {NULL, nothing, env->ctx};
    struct scene scene;
    zmq_poller_event_t event;

    scene_open(env, &scene);
    for (size_t i = 0; i < 3; i++) {
        void *poller = no_pollers[i];

        assert_fails(zmq_poller_size(poller), EFAULT);
        assert_fails(zmq_poller_add(poller, scene.one, NULL, 0), EFAULT);
        assert_fails(zmq_poller_modify(poller, scene.one, 0), EFAULT);
        assert_fails(zmq_poller_remove(poller, scene.one), EFAULT);
        assert_fails(zmq_poller_add_fd(poller, 0, NULL, 0), EFAULT);
        assert_fails(zmq_poller_modify_fd(poller, 0, 0), EFAULT);
        assert_fails(zmq_poller_remove_fd(poller, 0), EFAULT);
        assert_fails(zmq_poller_wait(poller, &event, 0), EFAULT);
        assert_fails(zmq_poller_wait_all(poller, &event, 1, 0), EFAULT);
        assert_fails(zmq_poller_fd(poller, &event.fd), EFAULT);
        assert_fails(zmq_poller_destroy(&poller), EFAULT);
    }
    assert_fails(zmq_poller_destroy(NULL), EFAULT);
    scene_close(&scene);
}

/* ---- waiting -------------------------------------------------------- */

static void a_socket_is_reported_with_what_belongs_to_it(void **state)
{
    struct scene scene;
    int mine;

    scene_open(*state, &scene);
    assert_ok(zmq_poller_add(scene.poller, scene.one, &mine, ZMQ_POLLIN));
    send_text(scene.two, "hello", 0);
    assert_int_equal(zmq_poller_wait(scene.poller, scene.events, PATIENCE_MS),
                     0);
    expect_event(scene.events, scene.one, -1, &mine, ZMQ_POLLIN);
    expect_text(scene.one, "hello");
    assert_fails(zmq_poller_wait(scene.poller, scene.events, 0), EAGAIN);
    expect_no_event(scene.events);
    scene_close(&scene);
}

static void a_descriptor_is_reported_with_what_belongs_to_it(void **state)
{
    struct scene scene;
    int mine;

    scene_open(*state, &scene);
    assert_ok(
        zmq_poller_add_fd(scene.poller, scene.reading, &mine, ZMQ_POLLIN));
    assert_fails(zmq_poller_wait(scene.poller, scene.events, 0), EAGAIN);
    assert_int_equal(write(scene.writing, "x", 1), 1);
    assert_ok(zmq_poller_wait(scene.poller, scene.events, PATIENCE_MS));
    expect_event(scene.events, NULL, scene.reading, &mine, ZMQ_POLLIN);
    scene_close(&scene);
}

static void events_come_in_the_order_of_registration(void **state)
{
    struct scene scene;

    scene_open(*state, &scene);
    assert_ok(zmq_poller_add(scene.poller, scene.two, "a", ZMQ_POLLOUT));
    assert_ok(zmq_poller_add_fd(scene.poller, scene.reading, "b", ZMQ_POLLIN));
    assert_ok(zmq_poller_add_fd(scene.poller, scene.writing, "c", ZMQ_POLLOUT));
    assert_ok(
        zmq_poller_add(scene.poller, scene.one, "d", ZMQ_POLLIN | ZMQ_POLLOUT));
    send_text(scene.two, "hello", 0);
    wait_for(scene.one, ZMQ_POLLIN);
    assert_int_equal(zmq_poller_wait_all(scene.poller, scene.events, 5, 0), 3);
    expect_event(&scene.events[0], scene.two, -1, "a", ZMQ_POLLOUT);
    expect_event(&scene.events[1], NULL, scene.writing, "c", ZMQ_POLLOUT);
    expect_event(&scene.events[2], scene.one, -1, "d",
                 ZMQ_POLLIN | ZMQ_POLLOUT);
    expect_no_event(&scene.events[3]);
    expect_no_event(&scene.events[4]);
    /* With less room, the first ones. */
    assert_int_equal(zmq_poller_wait_all(scene.poller, scene.events, 2, 0), 2);
    expect_event(&scene.events[1], NULL, scene.writing, "c", ZMQ_POLLOUT);
    scene_close(&scene);
}

static void what_is_wanted_can_be_changed(void **state)
{
    struct scene scene;

    scene_open(*state, &scene);
    assert_ok(zmq_poller_add(scene.poller, scene.one, NULL, 0));
    assert_fails(zmq_poller_wait(scene.poller, scene.events, 0), EAGAIN);
    assert_ok(zmq_poller_modify(scene.poller, scene.one, ZMQ_POLLOUT));
    assert_ok(zmq_poller_wait(scene.poller, scene.events, 0));
    assert_ok(zmq_poller_modify(scene.poller, scene.one, ZMQ_POLLIN));
    assert_fails(zmq_poller_wait(scene.poller, scene.events, 0), EAGAIN);
    assert_ok(zmq_poller_add_fd(scene.poller, scene.writing, NULL, 0));
    assert_ok(zmq_poller_modify_fd(scene.poller, scene.writing, ZMQ_POLLOUT));
    assert_ok(zmq_poller_wait(scene.poller, scene.events, 0));
    assert_int_equal(scene.events[0].fd, scene.writing);
    scene_close(&scene);
}

static void a_hang_up_is_no_event_where_nothing_is_wanted(void **state)
{
    struct scene scene;

    scene_open(*state, &scene);
    assert_ok(zmq_poller_add_fd(scene.poller, scene.reading, NULL, 0));
    close(scene.writing);
    assert_fails(zmq_poller_wait(scene.poller, scene.events, 0), EAGAIN);
    assert_ok(zmq_poller_modify_fd(scene.poller, scene.reading, ZMQ_POLLIN));
    assert_ok(zmq_poller_wait(scene.poller, scene.events, 0));
    assert_int_equal(scene.events[0].fd, scene.reading);
    assert_ok(zmq_poller_modify_fd(scene.poller, scene.reading, 0));
    assert_fails(zmq_poller_wait(scene.poller, scene.events, 0), EAGAIN);
    assert_fails(zmq_poller_add_fd(scene.poller, scene.reading, NULL, 0),
                 EINVAL);
    assert_ok(zmq_poller_remove_fd(scene.poller, scene.reading));
    scene.writing = -1;
    scene_close(&scene);
}

static void removing_leaves_the_others_as_they_are(void **state)
{
    struct env *env = *state;
    void *sockets[MANY];
    struct scene scene;
    int count;

    scene_open(env, &scene);
    for (int i = 0; i < MANY; i += 2) {
        env_pair(env, ZMQ_PAIR, &sockets[i], ZMQ_PAIR, &sockets[i + 1]);
        assert_ok(
            zmq_poller_add(scene.poller, sockets[i], &sockets[i], ZMQ_POLLOUT));
        assert_ok(zmq_poller_add(scene.poller, sockets[i + 1], &sockets[i + 1],
                                 ZMQ_POLLOUT));
    }
    for (int i = 0; i < MANY; i += 3)
        assert_ok(zmq_poller_remove(scene.poller, sockets[i]));
    count = zmq_poller_wait_all(scene.poller, scene.events, MANY, 0);
    assert_int_equal(count, MANY - (MANY + 2) / 3);
    assert_int_equal(count, zmq_poller_size(scene.poller));
    for (int i = 0, at = 0; i < MANY; i++) {
        if (i % 3 != 0)
            expect_event(&scene.events[at++], sockets[i], -1, &sockets[i],
                         ZMQ_POLLOUT);
    }
    scene_close(&scene);
}

static void time_passes_without_events(void **state)
{
    struct scene scene;
    int64_t start_ms;

    scene_open(*state, &scene);
    assert_ok(zmq_poller_add(scene.poller, scene.one, NULL, ZMQ_POLLIN));
    start_ms = now_ms();
    assert_fails(zmq_poller_wait_all(scene.poller, scene.events, 2, 20),
                 EAGAIN);
    assert_true(now_ms() - start_ms >= 19);
    expect_no_event(&scene.events[0]);
    expect_no_event(&scene.events[1]);
    scene_close(&scene);
}

static void nothing_is_waited_for_only_so_long(void **state)
{
    struct scene scene;

    scene_open(*state, &scene);
    assert_fails(zmq_poller_wait(scene.poller, scene.events, -1), EFAULT);
    assert_fails(zmq_poller_wait(scene.poller, scene.events, 1), EAGAIN);
    assert_ok(zmq_poller_add(scene.poller, scene.one, NULL, ZMQ_POLLIN));
    assert_ok(zmq_poller_modify(scene.poller, scene.one, 0));
    assert_fails(zmq_poller_wait(scene.poller, scene.events, -1), EFAULT);
    assert_fails(zmq_poller_wait(scene.poller, scene.events, 1), EAGAIN);
    assert_fails(zmq_poller_wait(scene.poller, NULL, 0), EFAULT);
    assert_fails(zmq_poller_wait_all(scene.poller, scene.events, -1, 0),
                 EINVAL);
    scene_close(&scene);
}

static int wait_for_ever(void *arg)
{
    struct scene *scene = arg;

    return zmq_poller_wait(scene->poller, scene->events, -1);
}

static void a_waiting_poller_wakes(void **state)
{
    struct scene scene;
    struct call call;

    scene_open(*state, &scene);
    assert_ok(zmq_poller_add(scene.poller, scene.one, NULL, ZMQ_POLLIN));
    assert_ok(zmq_poller_add_fd(scene.poller, scene.reading, NULL, ZMQ_POLLIN));
    call_start(&call, wait_for_ever, &scene);
    call_wait_blocked(&call);
    send_text(scene.two, "hello", 0);
    assert_int_equal(call_join(&call), 0);
    assert_ptr_equal(scene.events[0].socket, scene.one);
    scene_close(&scene);
}

static void a_signal_ends_waiting(void **state)
{
    struct scene scene;
    struct call call;

    scene_open(*state, &scene);
    assert_ok(zmq_poller_add(scene.poller, scene.one, NULL, ZMQ_POLLIN));
    call_start(&call, wait_for_ever, &scene);
    call_interrupt(&call);
    assert_fails(call_join(&call), EINTR);
    scene_close(&scene);
}

static void the_end_of_the_context_ends_waiting(void **state)
{
    struct env *env = *state;
    struct scene scene;
    struct call call;

    scene_open(env, &scene);
    assert_ok(zmq_poller_add(scene.poller, scene.one, NULL, ZMQ_POLLIN));
    call_start(&call, wait_for_ever, &scene);
    call_wait_blocked(&call);
    assert_ok(zmq_ctx_shutdown(env->ctx));
    assert_fails(call_join(&call), ETERM);
    assert_ok(zmq_poller_remove(scene.poller, scene.one));
    scene_close(&scene);
}

static void ordinary_sockets_bring_no_descriptor(void **state)
{
    struct scene scene;
    int fd;

    scene_open(*state, &scene);
    assert_fails(zmq_poller_fd(scene.poller, &fd), EINVAL);
    assert_ok(zmq_poller_add(scene.poller, scene.one, NULL, ZMQ_POLLIN));
    assert_fails(zmq_poller_fd(scene.poller, &fd), EINVAL);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(inproc, the_size_counts_registrations),
        ON(inproc, nothing_is_registered_twice),
        ON(inproc, what_is_not_registered_cannot_be_changed),
        ON(inproc, unknown_events_are_refused),
        ON(inproc, only_sockets_and_descriptors_are_registered),
        ON(inproc, what_is_no_poller_is_refused),
        ON_EACH(a_socket_is_reported_with_what_belongs_to_it),
        ON(inproc, a_descriptor_is_reported_with_what_belongs_to_it),
        ON(inproc, events_come_in_the_order_of_registration),
        ON(inproc, what_is_wanted_can_be_changed),
        ON(inproc, a_hang_up_is_no_event_where_nothing_is_wanted),
        ON(inproc, removing_leaves_the_others_as_they_are),
        ON(inproc, time_passes_without_events),
        ON(inproc, nothing_is_waited_for_only_so_long),
        ON_EACH(a_waiting_poller_wakes),
        ON(inproc, a_signal_ends_waiting),
        ON(inproc, the_end_of_the_context_ends_waiting),
        ON(inproc, ordinary_sockets_bring_no_descriptor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
