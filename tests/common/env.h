/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What one test runs in: a context, the sockets it opened, a directory for
 * ipc names, and the transport that the test is run for. A test is written
 * once and listed with ON_EACH for every transport, or with ON for one.
 *
 * Thread: the main thread of a test.
 * Owns: the context and every socket opened through it; env_close() closes
 * them without linger, also after a failed test.
 */
#ifndef TESTS_COMMON_ENV_H
#define TESTS_COMMON_ENV_H

#include "common/suite.h"

#define ENV_SOCKETS_MAX 256
#define ENDPOINT_MAX 256

struct transport {
    const char *name;
    bool is_stream; /* Through the kernel, with ZMTP; inproc is not. */
};

extern const struct transport transport_inproc;
extern const struct transport transport_tcp;
extern const struct transport transport_ipc;

struct env {
    const struct transport *transport;
    void *ctx;
    void *sockets[ENV_SOCKETS_MAX];
    size_t socket_count;
    unsigned endpoint_count;
    char directory[64];
};

/* Rows of a test table. */
#define ON(name, test)                                                         \
    {                                                                          \
#name " " #test, test, env_open, env_close,                            \
            (void *)(uintptr_t)&transport_##name                               \
    }
#define ON_STREAMS(test) ON(tcp, test), ON(ipc, test)
#define ON_EACH(test) ON(inproc, test), ON_STREAMS(test)

/* Set-up and tear-down; the initial state is the transport. A test that
 * does not end within two minutes ends its process. */
int env_open(void **state);
int env_close(void **state);

/* A socket whose blocking calls give up after PATIENCE_MS, so that a lost
 * message fails a test and does not hang it. */
void *env_socket(struct env *env, int type);

/* A socket with nothing set. */
void *env_plain_socket(struct env *env, int type);

/* Closes a socket as it is; env_close() leaves it alone then. */
void env_close_socket(struct env *env, void *socket);

/* The socket is another thread's to close. */
void env_forget_socket(struct env *env, void *socket);

/* Closes all sockets without linger and terminates the context. */
void env_end(struct env *env);

/* A name nobody is bound to, of the test's own transport. */
void env_free_endpoint(struct env *env, char endpoint[ENDPOINT_MAX]);

/* Binds to a free endpoint and stores it. */
void env_bind(struct env *env, void *socket, char endpoint[ENDPOINT_MAX]);

/* Binds `bound` to a free endpoint and connects `connected` to it. */
void env_link(struct env *env, void *bound, void *connected);

/* Opens two sockets and links them. */
void env_pair(struct env *env, int bound_type, void **bound, int connected_type,
              void **connected);

#endif
