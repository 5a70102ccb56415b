/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The reactor on the simulated system: it finds the one back-end that is
 * there, and hears of everything however the network behaves.
 *
 * Thread: simulated ones. Owns: nothing.
 */
#include "os/socket.h"
#include "os/thread.h"
#include "reactor/poller.h"
#include "sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

enum { BYTES = 500 };

/* Reads what a peer sends, until the peer ends the stream. */
struct reader {
    struct cz_poll_handler handler;
    int fd;
    unsigned got;
    bool has_ended;
};

static void reader_on_events(struct cz_poll_handler *handler, unsigned events)
{
    struct reader *reader = cz_container_of(handler, struct reader, handler);
    uint8_t bytes[64];
    ssize_t rc;

    SIM_CHECK(events & CZ_POLL_IN);
    rc = cz_sock_read(reader->fd, bytes, sizeof bytes);
    SIM_CHECK(rc >= 0 || rc == -EAGAIN);
    if (rc > 0)
        reader->got += (unsigned)rc;
    reader->has_ended = rc == 0;
}

struct sender {
    uint16_t port;
};

static void sender_run(void *arg)
{
    const struct sender *sender = arg;
    static const char bytes[BYTES];
    int fd = sim_dial(NULL, sender->port);

    SIM_CHECK(fd >= 0);
    SIM_CHECK(sim_send(fd, bytes, sizeof bytes) == 0);
    sim_close(fd);
}

static void reactor_run(void *arg)
{
    struct reader reader = {.handler.on_events = reader_on_events};
    struct sender sender = {.port = 0};
    int listener = sim_listen(NULL, &sender.port);
    struct cz_poll_batch batch;
    struct cz_poller *poller;
    struct cz_thread thread;
    cz_poll_id id;

    (void)arg;
    SIM_CHECK(cz_poller_create("epoll", &poller) == 0);
    SIM_CHECK(strcmp(cz_poller_backend(poller), "poll") == 0);
    SIM_CHECK(cz_thread_start(&thread, NULL, sender_run, &sender) == 0);
    reader.fd = sim_accept(listener);
    SIM_CHECK(cz_poller_add(poller, reader.fd, &reader.handler, CZ_POLL_IN,
                            &id) == 0);
    while (!reader.has_ended) {
        cz_poller_prepare(poller);
        SIM_CHECK(cz_poller_wait(poller, &batch, -1) == 0);
        cz_poller_dispatch(poller, &batch);
    }
    SIM_CHECK(reader.got == BYTES);
    cz_poller_remove(poller, id);
    cz_poller_destroy(poller);
    cz_thread_join(&thread);
    sim_close(reader.fd);
    sim_close(listener);
}

static void the_reactor_hears_every_byte_in_any_storm(void **state)
{
    struct sim_config config = sim_stormy();

    (void)state;
    sim_run_seeds(100, &config, reactor_run, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reactor_hears_every_byte_in_any_storm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
