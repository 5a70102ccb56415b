/* SPDX-License-Identifier: MPL-2.0 */
/*
 * After fork(), type by type: the child cannot use what is its parent's,
 * ends it without harm, and the parent's talks go on. Also with a parent
 * that is just waiting, and with children at the same time.
 *
 * Thread: the main thread, and one that waits for a message; children that
 * check by their exit codes.
 */
#include "common/env.h"

#include "common/call.h"
#include "common/id.h"
#include "common/raw.h"
#include "common/socket.h"
#include "common/zmtp.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILDREN 6

static pid_t start_child(int (*child)(void *arg), void *arg)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(PATIENCE_MS / 1000);
        _exit(child(arg));
    }
    return pid;
}

static void wait_child(pid_t pid)
{
    int status = -1;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* Everything the parent has: nothing can be read, all can be closed. */
static int end_everything(void *arg)
{
    struct env *env = arg;
    char byte;

    for (size_t i = 0; i < env->socket_count; i++) {
        /* libzmq lets it read what has already come to the socket. */
        if (zmq_recv(env->sockets[i], &byte, 1, ZMQ_DONTWAIT) != -1 &&
            is_ceromq())
            return 1;
    }
    for (size_t i = 0; i < env->socket_count; i++) {
        if (zmq_close(env->sockets[i]) == -1)
            return 2;
    }
    /* It must return; libzmq 4.3.4 does so with EINTR. */
    if (zmq_ctx_term(env->ctx) == -1 && zmq_errno() != EINTR)
        return 3;
    return 0;
}

static void requests_go_on_beside_a_child(void **state)
{
    struct env *env = *state;
    void *rep;
    void *req;

    env_pair(env, ZMQ_REP, &rep, ZMQ_REQ, &req);
    send_text(req, "before", 0);
    expect_text(rep, "before");
    /* In the middle of a request. */
    wait_child(start_child(end_everything, env));
    send_text(rep, "after", 0);
    expect_part(req, "after", false);
    send_text(req, "again", 0);
    expect_part(rep, "again", false);
}

static void routing_goes_on_beside_a_child(void **state)
{
    struct env *env = *state;
    void *router = env_socket(env, ZMQ_ROUTER);
    void *dealer = env_socket(env, ZMQ_DEALER);

    set_text(dealer, ZMQ_ROUTING_ID, "me");
    env_link(env, router, dealer);
    send_text(dealer, "before", 0);
    expect_from(router, "me", "before");
    send_text(dealer, "unread", 0);
    wait_child(start_child(end_everything, env));
    expect_from(router, "me", "unread");
    send_to(router, "me", "back");
    expect_part(dealer, "back", false);
}

static void publishing_goes_on_beside_a_child(void **state)
{
    struct env *env = *state;
    void *xpub = env_socket(env, ZMQ_XPUB);
    void *sub = env_socket(env, ZMQ_SUB);

    set_text(sub, ZMQ_SUBSCRIBE, "a");
    env_link(env, xpub, sub);
    expect_part(xpub, "\1a", false);
    wait_child(start_child(end_everything, env));
    send_text(xpub, "after", 0);
    expect_part(sub, "after", false);
    /* The child has not taken the subscription back. */
    expect_nothing(xpub);
}

static void byte_peers_stay_beside_a_child(void **state)
{
    struct env *env = *state;
    void *stream = env_socket(env, ZMQ_STREAM);
    char endpoint[ENDPOINT_MAX];
    struct id id;
    int fd;

    env_bind(env, stream, endpoint);
    fd = raw_connect(endpoint);
    id = id_receive_text(stream, "");
    wait_child(start_child(end_everything, env));
    zmtp_expect_silence(fd);
    id_send_text(stream, &id, "after");
    zmtp_expect(fd, "after", 5);
    raw_write(fd, "back", 4);
    (void)id_receive_text(stream, "back");
    close(fd);
}

/* ---- a parent that waits -------------------------------------------- */

static int receive_blocking(void *pull)
{
    char byte;

    return zmq_recv(pull, &byte, 1, 0);
}

static void a_parent_may_wait_while_a_child_ends(void **state)
{
    struct env *env = *state;
    struct call call;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    send_text(push, "before", 0);
    expect_text(pull, "before");
    call_start(&call, receive_blocking, pull);
    call_wait_blocked(&call);
    wait_child(start_child(end_everything, env));
    send_text(push, "x", 0);
    assert_int_equal(call_join(&call), 1);
}

/* Names stay bound, and new peers are let in. */
static void a_parent_still_listens_after_its_child(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);

    env_bind(env, pull, endpoint);
    for (int i = 0; i < 3; i++) {
        void *push = env_socket(env, ZMQ_PUSH);

        wait_child(start_child(end_everything, env));
        assert_ok(zmq_connect(push, endpoint));
        send_text(push, "word", 0);
        expect_text(pull, "word");
        env_close_socket(env, push);
        /* Closed handles are no business of the next child. */
        env->socket_count--;
    }
}

static int have_a_child(void *arg)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0)
        _exit(end_everything(arg));
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        return 10;
    return end_everything(arg);
}

static void a_child_may_have_a_child(void **state)
{
    struct env *env = *state;
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    send_text(push, "before", 0);
    expect_text(pull, "before");
    wait_child(start_child(have_a_child, env));
    send_text(push, "after", 0);
    expect_text(pull, "after");
}

static void children_may_end_at_the_same_time(void **state)
{
    struct env *env = *state;
    pid_t pids[CHILDREN];
    void *pull;
    void *push;

    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    for (uint32_t i = 0; i < CHILDREN; i++) {
        /* With a message on its way. */
        send_number(push, i);
        pids[i] = start_child(end_everything, env);
    }
    for (uint32_t i = 0; i < CHILDREN; i++)
        assert_int_equal(receive_number(pull), i);
    for (uint32_t i = 0; i < CHILDREN; i++)
        wait_child(pids[i]);
    expect_nothing(pull);
    send_text(push, "after", 0);
    expect_text(pull, "after");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(requests_go_on_beside_a_child),
        ON_EACH(routing_goes_on_beside_a_child),
        ON_EACH(publishing_goes_on_beside_a_child),
        ON_STREAMS(byte_peers_stay_beside_a_child),
        ON_EACH(a_parent_may_wait_while_a_child_ends),
        ON_EACH(a_parent_still_listens_after_its_child),
        ON_EACH(a_child_may_have_a_child),
        ON_EACH(children_may_end_at_the_same_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
