/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The surroundings of one test.
 *
 * Thread: the main thread of a test.
 * Owns: the context, its sockets and the directory.
 */
#include "common/env.h"

#include "common/socket.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#define ENV_SECONDS_MAX 120
#define ENV_FIRST_PORT 20001

const struct transport transport_inproc = {"inproc", false};
const struct transport transport_tcp = {"tcp", true};
const struct transport transport_ipc = {"ipc", true};

int env_open(void **state)
{
    struct env *env = calloc(1, sizeof(*env));
    const char *base = getenv("TMPDIR");

    if (env == NULL)
        return -1;
    env->transport = *state != NULL ? *state : &transport_inproc;
    snprintf(env->directory, sizeof(env->directory), "%.40s/cz-XXXXXX",
             base != NULL ? base : "/tmp");
    if (mkdtemp(env->directory) == NULL)
        return -1;
    env->ctx = zmq_ctx_new();
    if (env->ctx == NULL)
        return -1;
    alarm(ENV_SECONDS_MAX);
    *state = env;
    return 0;
}

static void env_remove_directory(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;

    if (directory == NULL)
        return;
    while ((entry = readdir(directory)) != NULL)
        (void)unlinkat(dirfd(directory), entry->d_name, 0);
    closedir(directory);
    (void)rmdir(path);
}

void env_end(struct env *env)
{
    int linger = 0;

    for (size_t i = 0; i < env->socket_count; i++) {
        if (env->sockets[i] == NULL)
            continue;
        (void)zmq_setsockopt(env->sockets[i], ZMQ_LINGER, &linger,
                             sizeof(linger));
        (void)zmq_close(env->sockets[i]);
    }
    env->socket_count = 0;
    if (env->ctx == NULL)
        return;
    while (zmq_ctx_term(env->ctx) == -1 && errno == EINTR)
        continue;
    env->ctx = NULL;
}

int env_close(void **state)
{
    struct env *env = *state;

    env_end(env);
    env_remove_directory(env->directory);
    free(env);
    alarm(0);
    return 0;
}

void *env_plain_socket(struct env *env, int type)
{
    void *socket;

    assert_true(env->socket_count < ENV_SOCKETS_MAX);
    socket = zmq_socket(env->ctx, type);
    assert_non_null(socket);
    env->sockets[env->socket_count++] = socket;
    return socket;
}

void *env_socket(struct env *env, int type)
{
    void *socket = env_plain_socket(env, type);

    set_int(socket, ZMQ_RCVTIMEO, PATIENCE_MS);
    set_int(socket, ZMQ_SNDTIMEO, PATIENCE_MS);
    return socket;
}

void env_forget_socket(struct env *env, void *socket)
{
    for (size_t i = 0; i < env->socket_count; i++) {
        if (env->sockets[i] == socket)
            env->sockets[i] = NULL;
    }
}

void env_close_socket(struct env *env, void *socket)
{
    env_forget_socket(env, socket);
    assert_ok(zmq_close(socket));
}

/* A loopback address of this process's own, and a port that no connecting
 * socket is ever given: nobody else can come to own the name meanwhile. */
static void env_free_tcp_endpoint(unsigned number, char *endpoint)
{
    unsigned pid = (unsigned)getpid();

    snprintf(endpoint, ENDPOINT_MAX, "tcp://127.%u.%u.%u:%u",
             64 + (pid >> 16 & 63), pid >> 8 & 255, pid & 255,
             ENV_FIRST_PORT + number);
}

void env_free_endpoint(struct env *env, char endpoint[ENDPOINT_MAX])
{
    unsigned number = env->endpoint_count++;

    if (env->transport == &transport_tcp)
        env_free_tcp_endpoint(number, endpoint);
    else if (env->transport == &transport_ipc)
        snprintf(endpoint, ENDPOINT_MAX, "ipc://%s/%u", env->directory, number);
    else
        snprintf(endpoint, ENDPOINT_MAX, "inproc://%u", number);
}

void env_bind(struct env *env, void *socket, char endpoint[ENDPOINT_MAX])
{
    env_free_endpoint(env, endpoint);
    assert_ok(zmq_bind(socket, endpoint));
}

void env_link(struct env *env, void *bound, void *connected)
{
    char endpoint[ENDPOINT_MAX];

    env_bind(env, bound, endpoint);
    assert_ok(zmq_connect(connected, endpoint));
}

void env_pair(struct env *env, int bound_type, void **bound, int connected_type,
              void **connected)
{
    *bound = env_socket(env, bound_type);
    *connected = env_socket(env, connected_type);
    env_link(env, *bound, *connected);
}
