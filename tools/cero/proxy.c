/* SPDX-License-Identifier: MPL-2.0 */
/*
 * `cero proxy`: passes messages on between two sockets, both ways, and
 * shows them to a third one if there is one.
 *
 * Thread: the main thread opens and closes; proxy_forward runs in between,
 * and has the sockets to itself, while the main thread waits for a signal.
 * Owns: the context and the sockets.
 */
#include "cero.h"
#include "link.h"
#include "options.h"
#include "stop.h"

#include <argp.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zmq.h>

enum proxy_role { PROXY_FRONTEND, PROXY_BACKEND, PROXY_CAPTURE, PROXY_ROLES };

/* Time for peers to take what they are owed. */
enum { PROXY_LINGER_MS = 1000 };

/* One TYPE@ENDPOINT of the command line. */
struct proxy_end {
    enum proxy_role role;
    struct attachment attachment;
};

struct proxy {
    const struct pattern *patterns[PROXY_ROLES];
    struct proxy_end *ends;
    size_t end_count;
    int hwm; /* -1: the library's default */
    bool is_verbose;
    void *ctx;
    void *sockets[PROXY_ROLES];
    int error; /* of the proxy that has ended; 0: none */
    int ended[2];
};

static const char *const proxy_names[PROXY_ROLES] = {"frontend", "backend",
                                                     "capture"};

/* TYPE@ENDPOINT binds, TYPE>ENDPOINT connects. */
static void proxy_add(struct proxy *proxy, struct argp_state *state,
                      enum proxy_role role, char *text)
{
    size_t size = strcspn(text, "@>");
    char mark = text[size];
    const struct pattern *pattern;

    text[size] = '\0';
    pattern = pattern_find(text);
    if (!mark || !pattern)
        argp_error(state,
                   "--%s wants TYPE@ENDPOINT or TYPE>ENDPOINT, such as "
                   "router@tcp://*:5555, not '%s'",
                   proxy_names[role], text);
    if (proxy->patterns[role] && proxy->patterns[role] != pattern)
        argp_error(state, "the %s is one socket: %s or %s?", proxy_names[role],
                   proxy->patterns[role]->name, text);
    options_check_endpoint(state, text + size + 1);
    proxy->patterns[role] = pattern;
    proxy->ends[proxy->end_count++] = (struct proxy_end){
        .role = role,
        .attachment = {.endpoint = text + size + 1, .is_bind = mark == '@'},
    };
}

static error_t proxy_parse(int key, char *arg, struct argp_state *state)
{
    struct proxy *proxy = state->input;

    switch (key) {
    case 'f':
        proxy_add(proxy, state, PROXY_FRONTEND, arg);
        return 0;
    case 'b':
        proxy_add(proxy, state, PROXY_BACKEND, arg);
        return 0;
    case 'C':
        proxy_add(proxy, state, PROXY_CAPTURE, arg);
        return 0;
    case 'h':
        proxy->hwm = options_int(state, "--hwm", arg);
        return 0;
    case 'v':
        proxy->is_verbose = true;
        return 0;
    case ARGP_KEY_END:
        if (!proxy->patterns[PROXY_FRONTEND] || !proxy->patterns[PROXY_BACKEND])
            argp_error(state, "a proxy needs a --frontend and a --backend");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The sockets that proxies are made of subscribe by themselves or not at
 * all; a SUB socket must be told. */
static int proxy_open_socket(struct proxy *proxy, enum proxy_role role)
{
    const struct pattern *pattern = proxy->patterns[role];
    int linger_ms = PROXY_LINGER_MS;
    void *socket = zmq_socket(proxy->ctx, pattern->type);

    proxy->sockets[role] = socket;
    if (!socket ||
        zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms) ||
        (pattern->type == ZMQ_SUB &&
         zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0)))
        return -1;
    if (proxy->hwm < 0)
        return 0;
    return zmq_setsockopt(socket, ZMQ_SNDHWM, &proxy->hwm, sizeof(int)) ||
                   zmq_setsockopt(socket, ZMQ_RCVHWM, &proxy->hwm, sizeof(int))
               ? -1
               : 0;
}

static int proxy_open(struct proxy *proxy)
{
    int rc = 0;

    proxy->ctx = zmq_ctx_new();
    if (!proxy->ctx)
        return -errno;
    for (int role = 0; role < PROXY_ROLES && rc == 0; role++) {
        if (proxy->patterns[role] && proxy_open_socket(proxy, role) != 0) {
            rc = -errno;
            link_warn(-rc, "cannot open a socket of the type",
                      proxy->patterns[role]->name);
        }
    }
    for (size_t i = 0; i < proxy->end_count && rc == 0; i++)
        rc = link_attach(proxy->sockets[proxy->ends[i].role],
                         &proxy->ends[i].attachment, proxy->is_verbose);
    return rc;
}

static void *proxy_forward(void *arg)
{
    struct proxy *proxy = arg;

    zmq_proxy(proxy->sockets[PROXY_FRONTEND], proxy->sockets[PROXY_BACKEND],
              proxy->sockets[PROXY_CAPTURE]);
    proxy->error = errno;
    close(proxy->ended[1]);
    return NULL;
}

/* It ends only with the context, or by an error. */
static int proxy_wait(struct proxy *proxy)
{
    struct pollfd items[] = {{.fd = stop_fd(), .events = POLLIN},
                             {.fd = proxy->ended[0], .events = POLLIN}};

    while (poll(items, 2, -1) == -1) {
        if (errno != EINTR)
            return -errno;
    }
    return 0;
}

/* Signals are for the main thread. */
static int proxy_run_thread(struct proxy *proxy)
{
    pthread_t thread;
    sigset_t all;
    sigset_t before;
    int rc;

    if (pipe2(proxy->ended, O_CLOEXEC) != 0)
        return -errno;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = -pthread_create(&thread, NULL, proxy_forward, proxy);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        close(proxy->ended[1]);
    } else {
        rc = proxy_wait(proxy);
        zmq_ctx_shutdown(proxy->ctx);
        pthread_join(thread, NULL);
        if (rc == 0 && !stop_signal())
            rc = -proxy->error;
    }
    close(proxy->ended[0]);
    return rc;
}

static int proxy_work(struct proxy *proxy)
{
    int rc = stop_install();

    if (rc == 0)
        rc = proxy_open(proxy);
    if (rc == 0) {
        rc = proxy_run_thread(proxy);
        if (rc != 0)
            link_warn(-rc, "the proxy has ended", NULL);
    }
    for (int role = 0; role < PROXY_ROLES; role++) {
        if (proxy->sockets[role])
            zmq_close(proxy->sockets[role]);
    }
    if (proxy->ctx)
        link_close_ctx(proxy->ctx);
    if (stop_signal())
        return CERO_SIGNAL + stop_signal();
    return rc == 0 ? CERO_OK : CERO_ERROR;
}

int proxy_run(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"frontend", 'f', "TYPE@ENDPOINT", 0,
         "One side. Binds; with > in place of @ it connects. May be repeated "
         "for further endpoints",
         1},
        {"backend", 'b', "TYPE@ENDPOINT", 0, "The other side", 1},
        {"capture", 'C', "TYPE@ENDPOINT", 0,
         "Send a copy of all messages there (pub, push, pair or dealer)", 1},
        {"hwm", 'h', "N", 0,
         "Messages that may wait for each peer, 0 for any number (1000)", 2},
        {"verbose", 'v', NULL, 0, "Tell on stderr about endpoints", 3},
        {0}};
    static const struct argp argp = {
        .options = table,
        .parser = proxy_parse,
        .doc = "Pass messages on between a frontend and a backend, both ways. "
               "Usual are router and dealer, xsub and xpub, pull and push."
               "\vEnds by Ctrl-C. For example:\n"
               "  cero proxy -f xsub@tcp://*:5555 -b xpub@tcp://*:5556",
    };
    struct proxy proxy = {
        .ends = calloc((size_t)argc, sizeof *proxy.ends),
        .hwm = -1,
    };
    int code = CERO_USAGE;

    if (!proxy.ends) {
        warnx("%s", strerror(ENOMEM));
        return CERO_ERROR;
    }
    if (argp_parse(&argp, argc, argv, 0, NULL, &proxy) == 0)
        code = proxy_work(&proxy);
    free(proxy.ends);
    return code;
}
