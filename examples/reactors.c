/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A request is answered on each reactor that this build has; then once more
 * where the system forbids the one that was asked for, which the log tells.
 *
 * docs/reactors.md walks through it.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <ceromq.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define CHECK(is_true)                                                         \
    do {                                                                       \
        if (!(is_true)) {                                                      \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #is_true,   \
                    zmq_strerror(zmq_errno()));                                \
            exit(1);                                                           \
        }                                                                      \
    } while (0)

static void ask_and_answer(void *context)
{
    void *rep = zmq_socket(context, ZMQ_REP);
    void *req = zmq_socket(context, ZMQ_REQ);
    char endpoint[256], word[8];
    size_t size = sizeof endpoint;

    CHECK(zmq_bind(rep, "tcp://127.0.0.1:*") == 0);
    CHECK(zmq_getsockopt(rep, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0);
    CHECK(zmq_connect(req, endpoint) == 0);
    CHECK(zmq_send(req, "ping", 4, 0) == 4);
    CHECK(zmq_recv(rep, word, sizeof word, 0) == 4);
    CHECK(zmq_send(rep, "pong", 4, 0) == 4);
    CHECK(zmq_recv(req, word, sizeof word, 0) == 4);
    zmq_close(req);
    zmq_close(rep);
}

/* What a sandbox does: epoll is not permitted any more. */
static void forbid_epoll(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_epoll_create1, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};

    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static void try_each(void)
{
    int answered = 0, count = 0;

    for (; cero_reactor(count) != NULL; count++) {
        void *context = zmq_ctx_new();

        CHECK(cero_ctx_set_reactor(context, cero_reactor(count)) == 0);
        ask_and_answer(context);
        answered++;
        zmq_ctx_term(context);
    }
    printf("answered on all of them: %s\n",
           count > 2 && answered == count ? "yes" : "no");
}

static void try_without_epoll(void)
{
    void *context = zmq_ctx_new();
    char topic[32] = "", text[512] = "";
    void *log;

    forbid_epoll();
    CHECK(cero_ctx_set_reactor(context, "epoll") == 0);
    log = zmq_socket(context, ZMQ_SUB);
    CHECK(zmq_setsockopt(log, ZMQ_SUBSCRIBE, "reactor.", 8) == 0);
    CHECK(zmq_connect(log, "sys://log") == 0);
    ask_and_answer(context);
    CHECK(zmq_recv(log, topic, sizeof topic - 1, 0) > 0);
    CHECK(zmq_recv(log, text, sizeof text - 1, 0) > 0);
    printf("%s, in use: %s\n", topic, cero_ctx_reactor(context));
    zmq_close(log);
    zmq_ctx_term(context);
}

int main(void)
{
    try_each();
    try_without_epoll();
    return 0;
}
