/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What a context is told before its first socket, by calls or by the
 * environment: which reactor its I/O threads run on, how long its sockets
 * spin, and whether they drive. What comes of it is looked for inside.
 *
 * Thread: the main thread; the library's I/O threads.
 * Owns: variables of the environment, unset after each test.
 */
#define ZMQ_BUILD_DRAFT_API
#include "common/suite.h"
#include "core/ctx.h"
#include "core/io_thread.h"
#include "core/socket.h"
#include "unit/reactor/backends.h"

#include <ceromq.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 2 };

#define ON(backend, test)                                                      \
    {                                                                          \
#backend " " #test, test, forget_environment, forget_environment,      \
            (void *)(uintptr_t) #backend                                       \
    }
#define ONCE(test)                                                             \
    cmocka_unit_test_setup_teardown(test, forget_environment,                  \
                                    forget_environment)

static int forget_environment(void **state)
{
    (void)state;
    unsetenv("CERO_REACTOR");
    unsetenv("CERO_SPIN_US");
    unsetenv("CERO_BATON");
    return 0;
}

static void set_variable(const char *name, const char *value)
{
    assert_int_equal(setenv(name, value, 1), 0);
}

static void *new_ctx(void)
{
    void *ctx = zmq_ctx_new();

    assert_non_null(ctx);
    return ctx;
}

/* ---- Reactors ---- */

/* Another one than this, so that a choice makes a difference. */
static const char *other_than(const char *name)
{
    const char *other = cero_reactor(0);

    return strcmp(other, name) != 0 ? other : cero_reactor(1);
}

/* Not the default, unless there is nothing else in this build. */
static const char *second_best(void)
{
    return cero_reactor(1) ? cero_reactor(1) : cero_reactor(0);
}

/* A message over tcp; then each I/O thread has its reactor. */
static void talk(void *ctx)
{
    void *pair[2];
    char endpoint[256], byte;
    size_t size = sizeof endpoint;

    for (int i = 0; i < 2; i++) {
        pair[i] = zmq_socket(ctx, ZMQ_PAIR);
        assert_non_null(pair[i]);
        assert_ok(zmq_setsockopt(pair[i], ZMQ_RCVTIMEO, &(int){PATIENCE_MS},
                                 sizeof(int)));
    }
    assert_ok(zmq_bind(pair[0], "tcp://127.0.0.1:*"));
    assert_ok(zmq_getsockopt(pair[0], ZMQ_LAST_ENDPOINT, endpoint, &size));
    assert_ok(zmq_connect(pair[1], endpoint));
    assert_int_equal(zmq_send(pair[1], "x", 1, 0), 1);
    assert_int_equal(zmq_recv(pair[0], &byte, 1, 0), 1);
    assert_ok(zmq_close(pair[0]));
    assert_ok(zmq_close(pair[1]));
}

/* It is told before, it is what the threads run on, and it is told after.
 * Ends the context. */
static void expect_reactor(void *handle, const char *name)
{
    struct cz_ctx *ctx = handle;
    char text[64];
    size_t size = sizeof text;

    assert_string_equal(cero_ctx_reactor(handle), name);
    assert_ok(zmq_ctx_set(handle, ZMQ_IO_THREADS, THREADS));
    talk(handle);
    assert_int_equal(ctx->io_count, THREADS);
    for (int i = 0; i < THREADS; i++)
        assert_string_equal(cz_poller_backend(ctx->io[i]->poller), name);
    assert_string_equal(cero_ctx_reactor(handle), name);
    assert_ok(zmq_ctx_get_ext(handle, CERO_REACTOR, text, &size));
    assert_string_equal(text, name);
    assert_ok(zmq_ctx_term(handle));
}

static void the_call_chooses_what_is_used(void **state)
{
    const char *name = *state;
    void *ctx = new_ctx();

    assert_ok(cero_ctx_set_reactor(ctx, name));
    expect_reactor(ctx, name);
}

static void the_option_chooses_what_is_used(void **state)
{
    const char *name = *state;
    void *ctx = new_ctx();

    assert_ok(zmq_ctx_set_ext(ctx, CERO_REACTOR, name, strlen(name)));
    expect_reactor(ctx, name);
}

static void the_environment_chooses_what_is_used(void **state)
{
    const char *name = *state;

    set_variable("CERO_REACTOR", name);
    expect_reactor(new_ctx(), name);
}

static void the_call_goes_before_the_environment(void **state)
{
    const char *name = *state;
    void *ctx;

    if (!other_than(name))
        skip();
    set_variable("CERO_REACTOR", other_than(name));
    ctx = new_ctx();
    assert_ok(cero_ctx_set_reactor(ctx, name));
    expect_reactor(ctx, name);
}

static void the_last_call_counts(void **state)
{
    const char *name = *state;
    void *ctx;

    if (!other_than(name))
        skip();
    ctx = new_ctx();
    assert_ok(cero_ctx_set_reactor(ctx, other_than(name)));
    assert_ok(cero_ctx_set_reactor(ctx, name));
    expect_reactor(ctx, name);
}

static void null_is_the_best_whatever_was_said_before(void **state)
{
    const char *name = *state;
    void *ctx;

    set_variable("CERO_REACTOR", name);
    ctx = new_ctx();
    assert_ok(cero_ctx_set_reactor(ctx, NULL));
    expect_reactor(ctx, cero_reactor(0));
}

static void an_empty_or_unknown_variable_counts_as_not_set(void **state)
{
    (void)state;
    set_variable("CERO_REACTOR", "");
    expect_reactor(new_ctx(), cero_reactor(0));
    set_variable("CERO_REACTOR", "no such reactor, and longer than any name");
    expect_reactor(new_ctx(), cero_reactor(0));
}

static void a_name_that_is_none_is_refused_and_changes_nothing(void **state)
{
    static const char *const names[] = {
        "", "EPOLL", "pol", "poll ", "a name that is longer than any can be"};
    void *ctx = new_ctx();

    (void)state;
    assert_ok(cero_ctx_set_reactor(ctx, second_best()));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_fails(cero_ctx_set_reactor(ctx, names[i]), EINVAL);
        assert_fails(
            zmq_ctx_set_ext(ctx, CERO_REACTOR, names[i], strlen(names[i]) + 1),
            EINVAL);
    }
    assert_fails(zmq_ctx_set_ext(ctx, CERO_REACTOR, "", 0), EINVAL);
    assert_fails(zmq_ctx_set_ext(ctx, CERO_REACTOR, NULL, 4), EINVAL);
    assert_fails(zmq_ctx_set(ctx, CERO_REACTOR, 1), EINVAL);
    assert_fails(zmq_ctx_get(ctx, CERO_REACTOR), EINVAL);
    expect_reactor(ctx, second_best());
}

static void after_the_first_socket_it_is_too_late(void **state)
{
    void *ctx = new_ctx();
    void *socket = zmq_socket(ctx, ZMQ_PAIR);
    const char *name = second_best();

    (void)state;
    assert_non_null(socket);
    assert_fails(cero_ctx_set_reactor(ctx, name), EINVAL);
    assert_fails(cero_ctx_set_reactor(ctx, cero_reactor(0)), EINVAL);
    assert_fails(cero_ctx_set_reactor(ctx, NULL), EINVAL);
    assert_fails(zmq_ctx_set_ext(ctx, CERO_REACTOR, name, strlen(name)),
                 EINVAL);
    assert_ok(zmq_close(socket));
    assert_fails(cero_ctx_set_reactor(ctx, name), EINVAL);
    assert_string_equal(cero_ctx_reactor(ctx), cero_reactor(0));
    assert_ok(zmq_ctx_term(ctx));
}

static void what_is_no_context_is_a_fault(void **state)
{
    char nothing[4096] = {0};
    void *const handles[] = {NULL, nothing};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_fails(cero_ctx_set_reactor(handles[i], cero_reactor(0)), EFAULT);
        assert_fails(cero_ctx_set_reactor(handles[i], NULL), EFAULT);
        assert_fails(cero_ctx_set_reactor(handles[i], "none"), EFAULT);
        assert_fails(cero_ctx_set_spin(handles[i], 0), EFAULT);
        assert_fails(cero_ctx_set_spin(handles[i], -1), EFAULT);
        assert_fails(cero_ctx_set_baton(handles[i], 1), EFAULT);
        assert_fails(cero_ctx_set_baton(handles[i], 2), EFAULT);
        errno = 0;
        assert_null(cero_ctx_reactor(handles[i]));
        assert_int_equal(errno, EFAULT);
    }
}

static void the_names_end_with_null(void **state)
{
    int count = 0;

    (void)state;
    while (cero_reactor(count))
        count++;
    assert_true(count > 0);
    assert_null(cero_reactor(count + 1));
    assert_null(cero_reactor(INT_MAX));
    assert_null(cero_reactor(-1));
    assert_null(cero_reactor(INT_MIN));
}

/* ---- Spinning and driving ---- */

/* What a context says and a new socket of it does. */
static void expect_spin(void *ctx, int us)
{
    struct cz_socket *socket = zmq_socket(ctx, ZMQ_PAIR);

    assert_non_null(socket);
    assert_int_equal(zmq_ctx_get(ctx, CERO_SPIN_US), us);
    assert_int_equal(socket->spin_us_max, us);
    assert_ok(zmq_close(socket));
}

static void expect_baton(void *ctx, int on)
{
    struct cz_socket *socket = zmq_socket(ctx, ZMQ_PAIR);

    assert_non_null(socket);
    assert_int_equal(zmq_ctx_get(ctx, CERO_BATON), on);
    assert_int_equal(socket->may_drive, on);
    assert_int_equal(socket->mailbox->has_baton, on);
    assert_ok(zmq_close(socket));
}

static void the_call_says_how_long_new_sockets_spin(void **state)
{
    void *ctx = new_ctx();

    (void)state;
    expect_spin(ctx, CERO_SPIN_US_DFLT);
    assert_ok(cero_ctx_set_spin(ctx, 0));
    expect_spin(ctx, 0);
    assert_ok(cero_ctx_set_spin(ctx, 123));
    expect_spin(ctx, 123);
    assert_fails(cero_ctx_set_spin(ctx, -1), EINVAL);
    assert_fails(cero_ctx_set_spin(ctx, INT_MIN), EINVAL);
    expect_spin(ctx, 123);
    assert_ok(cero_ctx_set_spin(ctx, INT_MAX));
    expect_spin(ctx, INT_MAX);
    assert_ok(zmq_ctx_term(ctx));
}

static void the_call_says_whether_new_sockets_drive(void **state)
{
    void *ctx = new_ctx();

    (void)state;
    expect_baton(ctx, CERO_BATON_DFLT);
    assert_ok(cero_ctx_set_baton(ctx, 0));
    expect_baton(ctx, 0);
    assert_fails(cero_ctx_set_baton(ctx, 2), EINVAL);
    assert_fails(cero_ctx_set_baton(ctx, -1), EINVAL);
    assert_fails(zmq_ctx_set(ctx, CERO_BATON, 2), EINVAL);
    expect_baton(ctx, 0);
    assert_ok(cero_ctx_set_baton(ctx, 1));
    expect_baton(ctx, 1);
    assert_ok(zmq_ctx_term(ctx));
}

struct row {
    const char *text;
    int number;
};

static void expect_rows(const char *name, const struct row *rows, size_t count,
                        void (*expect)(void *ctx, int number))
{
    for (size_t i = 0; i < count; i++) {
        void *ctx;

        set_variable(name, rows[i].text);
        ctx = new_ctx();
        expect(ctx, rows[i].number);
        assert_ok(zmq_ctx_term(ctx));
    }
}

static void the_environment_says_how_long_sockets_spin(void **state)
{
    static const struct row rows[] = {
        {"0", 0},
        {"1", 1},
        {"1000000", 1000000},
        {"", CERO_SPIN_US_DFLT},
        {"-1", CERO_SPIN_US_DFLT},
        {"1000001", CERO_SPIN_US_DFLT},
        {"99999999999999999999", CERO_SPIN_US_DFLT},
        {"7us", CERO_SPIN_US_DFLT},
        {"off", CERO_SPIN_US_DFLT},
    };
    void *ctx;

    (void)state;
    expect_rows("CERO_SPIN_US", rows, sizeof rows / sizeof rows[0],
                expect_spin);
    set_variable("CERO_SPIN_US", "7");
    ctx = new_ctx();
    assert_ok(cero_ctx_set_spin(ctx, 8));
    expect_spin(ctx, 8);
    assert_ok(zmq_ctx_term(ctx));
}

static void the_environment_says_whether_sockets_drive(void **state)
{
    static const struct row rows[] = {
        {"0", 0},
        {"1", 1},
        {"", CERO_BATON_DFLT},
        {"2", CERO_BATON_DFLT},
        {"-1", CERO_BATON_DFLT},
        {"no", CERO_BATON_DFLT},
    };
    void *ctx;

    (void)state;
    expect_rows("CERO_BATON", rows, sizeof rows / sizeof rows[0], expect_baton);
    set_variable("CERO_BATON", "0");
    ctx = new_ctx();
    assert_ok(cero_ctx_set_baton(ctx, 1));
    expect_baton(ctx, 1);
    assert_ok(zmq_ctx_term(ctx));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(the_call_chooses_what_is_used),
        ON_EACH(the_option_chooses_what_is_used),
        ON_EACH(the_environment_chooses_what_is_used),
        ON_EACH(the_call_goes_before_the_environment),
        ON_EACH(the_last_call_counts),
        ON_EACH(null_is_the_best_whatever_was_said_before),
        ONCE(an_empty_or_unknown_variable_counts_as_not_set),
        ONCE(a_name_that_is_none_is_refused_and_changes_nothing),
        ONCE(after_the_first_socket_it_is_too_late),
        ONCE(what_is_no_context_is_a_fault),
        ONCE(the_names_end_with_null),
        ONCE(the_call_says_how_long_new_sockets_spin),
        ONCE(the_call_says_whether_new_sockets_drive),
        ONCE(the_environment_says_how_long_sockets_spin),
        ONCE(the_environment_says_whether_sockets_drive),
    };

    return BACKENDS_RUN(tests);
}
