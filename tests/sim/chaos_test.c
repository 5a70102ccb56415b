/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Fools: threads that do anything at any time, on a system that fails at any
 * time, until the context is terminated. It always ends, nothing crashes and
 * no descriptor stays.
 *
 * CTest: TIMEOUT 240
 * Thread: simulated ones. Owns: nothing.
 */
#include "os/thread.h"
#include "sim/talk/talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { SEEDS = 100 };

enum { FOOLS = 5, FOOL_SOCKETS = 3, PLACES = 4 };

/* The first of the sockets is there to the end: as long as one is open, the
 * context is, too. */
struct fool {
    void *ctx;
    void *sockets[FOOL_SOCKETS];
    struct cz_thread thread;
};

static const char *fool_place(char address[TALK_ENDPOINT_MAX])
{
    static const char *const tcp[] = {"tcp://127.0.0.1:7000",
                                      "tcp://127.0.0.1:7001"};

    if (sim_random(3) == 0)
        return tcp[sim_random(2)];
    talk_address((enum talk_transport)(TALK_IPC + sim_random(3)),
                 (unsigned)sim_random(PLACES), address);
    return address;
}

static void *fool_socket(struct fool *fool)
{
    static const int types[] = {ZMQ_PUSH, ZMQ_PULL, ZMQ_PAIR, ZMQ_DEALER};
    void *socket = zmq_socket(fool->ctx, types[sim_random(4)]);

    if (!socket) {
        SIM_CHECK(zmq_errno() == ETERM);
        return NULL;
    }
    /* Setting an option of a terminated socket fails, too. */
    (void)!zmq_setsockopt(socket, ZMQ_LINGER, &(int){(int)sim_random(2000)},
                          sizeof(int));
    (void)!zmq_setsockopt(socket, ZMQ_SNDTIMEO, &(int){20}, sizeof(int));
    (void)!zmq_setsockopt(socket, ZMQ_RCVTIMEO, &(int){20}, sizeof(int));
    (void)!zmq_setsockopt(socket, ZMQ_SNDHWM, &(int){3}, sizeof(int));
    if (sim_random(4) == 0)
        (void)!zmq_setsockopt(socket, ZMQ_IMMEDIATE, &(int){1}, sizeof(int));
    if (sim_random(4) == 0)
        (void)!zmq_setsockopt(socket, ZMQ_HEARTBEAT_IVL, &(int){50},
                              sizeof(int));
    return socket;
}

/* Anything; whether it works does not matter. False: terminated. */
static bool fool_act(void *socket)
{
    char address[TALK_ENDPOINT_MAX], bytes[300] = {0};
    zmq_pollitem_t item = {.socket = socket,
                           .events = ZMQ_POLLIN | ZMQ_POLLOUT};
    size_t size = sizeof(int);
    int rc;

    switch (sim_random(10)) {
    case 0:
        rc = zmq_bind(socket, fool_place(address));
        break;
    case 1:
    case 2:
        rc = zmq_connect(socket, fool_place(address));
        break;
    case 3:
        rc = zmq_unbind(socket, fool_place(address));
        break;
    case 4:
        rc = zmq_poll(&item, 1, (long)sim_random(30));
        break;
    case 5:
        rc = zmq_getsockopt(socket, ZMQ_FD, bytes, &size);
        break;
    case 6:
    case 7:
        rc = zmq_recv(socket, bytes, sizeof bytes, 0);
        break;
    default:
        rc = zmq_send(socket, bytes, sim_random(sizeof bytes),
                      sim_random(3) ? 0 : ZMQ_SNDMORE);
        break;
    }
    return rc >= 0 || zmq_errno() != ETERM;
}

static void fool_run(void *arg)
{
    struct fool *fool = arg;
    void **sockets = fool->sockets;
    bool is_going = true;
    unsigned i;

    while (is_going) {
        i = (unsigned)sim_random(FOOL_SOCKETS);
        if (!sockets[i]) {
            sockets[i] = fool_socket(fool);
            is_going = sockets[i];
        } else if (i > 0 && sim_random(15) == 0) {
            TALK_OK(zmq_close(sockets[i]));
            sockets[i] = NULL;
        } else {
            is_going = fool_act(sockets[i]);
        }
        if (sim_random(10) == 0)
            sim_sleep_us(sim_random(50000));
    }
    for (i = 0; i < FOOL_SOCKETS; i++)
        if (sockets[i])
            TALK_OK(zmq_close(sockets[i]));
}

static void fools_run(void *arg)
{
    struct fool fools[FOOLS];
    void *ctx = talk_context();
    unsigned i;

    (void)arg;
    for (i = 0; i < FOOLS; i++) {
        fools[i] = (struct fool){.ctx = ctx};
        fools[i].sockets[0] = fool_socket(&fools[i]);
        SIM_CHECK(
            cz_thread_start(&fools[i].thread, NULL, fool_run, &fools[i]) == 0);
    }
    sim_sleep_us(sim_random(2000000));
    TALK_OK(zmq_ctx_term(ctx));
    for (i = 0; i < FOOLS; i++)
        cz_thread_join(&fools[i].thread);
}

static void whatever_fools_do_the_context_ends(void **state)
{
    struct sim_config config = sim_stormy();

    (void)state;
    sim_run_seeds(SEEDS, &config, fools_run, NULL);
    config.refuse_connect = 100;
    config.hang_connect = 100;
    config.accept_no_fd = 100;
    config.accept_aborted = 100;
    config.reset = 300;
    config.reset_bytes_max = 2000;
    sim_run_seeds(2 * SEEDS, &config, fools_run, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_fools_do_the_context_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
