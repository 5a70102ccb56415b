/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The other side of an interoperability test: a process that is linked to
 * the system's libzmq (or, by LD_LIBRARY_PATH, to any other) and does what
 * it reads from its standard input, one command per line:
 *
 *   version                         4.3.4 libzmq | 4.3.5 ceromq
 *   socket <type>                   pushes a socket of the type, by number
 *   set <option> <int>              setsockopt, an int
 *   id <text>                       ZMQ_ROUTING_ID
 *   bind <endpoint>                 answers with LAST_ENDPOINT
 *   connect <endpoint>
 *   send <first> <count> <shape>    numbered messages (payload.h)
 *   fill <shape>                    sends from 0 until SNDTIMEO; the count
 *   receive <first> <count> <shape> verifies every byte
 *   echo <count>                    sends back what comes
 *   text <part>...                  one message; "." is an empty part
 *   expect <part>...                one message, exactly
 *   subscribe <topic>, unsubscribe <topic>    "." is the empty topic
 *   tell +<topic>, tell -<topic>    sends a subscription or cancel (XSUB)
 *   told +<topic>, told -<topic>    receives exactly that (XPUB)
 *   close                           closes the socket
 *   end                             terminates the context
 *
 * Each is answered by one line, `ok ...` or `failed <why>`. The end of the
 * input ends the process at once, without closing anything.
 *
 * Thread: one. Owns: the context and the socket.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "interop/payload.h"

#define LINE_MAX_SIZE 1024
#define PEER_TIMEOUT_MS 60000

struct peer {
    void *ctx;
    void *socket;
};

static int answer(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    fflush(stdout);
    return 0;
}

static int answer_result(int result)
{
    if (result == -1)
        return answer("failed %s", zmq_strerror(errno));
    return answer("ok");
}

static int run_version(void)
{
    int major;
    int minor;
    int patch;

    zmq_version(&major, &minor, &patch);
    return answer("ok %d.%d.%d %s", major, minor, patch,
                  dlsym(RTLD_DEFAULT, "cero_version") ? "ceromq" : "libzmq");
}

static int run_socket(struct peer *peer, const char *args)
{
    int timeout = PEER_TIMEOUT_MS;

    if (!peer->ctx)
        peer->ctx = zmq_ctx_new();
    peer->socket = zmq_socket(peer->ctx, atoi(args));
    if (!peer->socket)
        return answer_result(-1);
    zmq_setsockopt(peer->socket, ZMQ_RCVTIMEO, &timeout, sizeof(timeout));
    return answer_result(
        zmq_setsockopt(peer->socket, ZMQ_SNDTIMEO, &timeout, sizeof(timeout)));
}

static int run_set(struct peer *peer, const char *args)
{
    int option;
    int value;

    if (sscanf(args, "%d %d", &option, &value) != 2)
        return answer("failed usage");
    return answer_result(
        zmq_setsockopt(peer->socket, option, &value, sizeof(value)));
}

static int run_bind(struct peer *peer, const char *args)
{
    char endpoint[LINE_MAX_SIZE];
    size_t size = sizeof(endpoint);

    if (zmq_bind(peer->socket, args) == -1 ||
        zmq_getsockopt(peer->socket, ZMQ_LAST_ENDPOINT, endpoint, &size) == -1)
        return answer_result(-1);
    return answer("ok %s", endpoint);
}

/* The arguments of send and receive. */
struct batch {
    unsigned long long first;
    unsigned long long count;
    struct payload_shape shape;
};

static bool parse_batch(struct batch *batch, const char *args)
{
    char shape[LINE_MAX_SIZE];

    return sscanf(args, "%llu %llu %1000s", &batch->first, &batch->count,
                  shape) == 3 &&
           payload_parse(&batch->shape, shape);
}

static int run_send(struct peer *peer, const char *args)
{
    struct batch batch;

    if (!parse_batch(&batch, args))
        return answer("failed usage");
    for (unsigned long long i = 0; i < batch.count; i++)
        if (payload_send(peer->socket, &batch.shape, batch.first + i, 0) == -1)
            return answer("failed %s at %llu", zmq_strerror(errno),
                          batch.first + i);
    return answer("ok");
}

static int run_receive(struct peer *peer, const char *args)
{
    struct batch batch;

    if (!parse_batch(&batch, args))
        return answer("failed usage");
    for (unsigned long long i = 0; i < batch.count; i++) {
        const char *fault =
            payload_receive(peer->socket, &batch.shape, batch.first + i);

        if (fault)
            return answer("failed %s at %llu", fault, batch.first + i);
    }
    return answer("ok");
}

static int run_fill(struct peer *peer, const char *args)
{
    struct payload_shape shape;
    unsigned long long count = 0;

    if (!payload_parse(&shape, args))
        return answer("failed usage");
    while (payload_send(peer->socket, &shape, count, 0) == 0)
        count++;
    if (errno != EAGAIN)
        return answer_result(-1);
    return answer("ok %llu", count);
}

static int run_echo(struct peer *peer, const char *args)
{
    int left = atoi(args);

    while (left > 0) {
        zmq_msg_t msg;
        int more;

        zmq_msg_init(&msg);
        if (zmq_msg_recv(&msg, peer->socket, 0) == -1)
            return answer_result(-1);
        more = zmq_msg_more(&msg);
        if (zmq_msg_send(&msg, peer->socket, more ? ZMQ_SNDMORE : 0) == -1)
            return answer_result(-1);
        left -= !more;
    }
    return answer("ok");
}

/* The next word of a line; "." stands for nothing. */
static const char *next_part(char **args)
{
    const char *part = strtok_r(*args, " ", args);

    return part && strcmp(part, ".") == 0 ? "" : part;
}

static int run_text(struct peer *peer, char *args)
{
    const char *part = next_part(&args);

    while (part) {
        const char *after = next_part(&args);

        if (zmq_send(peer->socket, part, strlen(part),
                     after ? ZMQ_SNDMORE : 0) == -1)
            return answer_result(-1);
        part = after;
    }
    return answer("ok");
}

static int run_expect(struct peer *peer, char *args)
{
    const char *part = next_part(&args);

    while (part) {
        const char *after = next_part(&args);
        char got[LINE_MAX_SIZE];
        int size = zmq_recv(peer->socket, got, sizeof(got), 0);
        int more;
        size_t more_size = sizeof(more);

        if (size == -1 ||
            zmq_getsockopt(peer->socket, ZMQ_RCVMORE, &more, &more_size) == -1)
            return answer_result(-1);
        if ((size_t)size != strlen(part) || memcmp(got, part, (size_t)size))
            return answer("failed got %.*s for %s", size, got, part);
        if (!more != !after)
            return answer("failed number of parts at %s", part);
        part = after;
    }
    return answer("ok");
}

static int run_subscribe(struct peer *peer, int option, char *args)
{
    const char *topic = next_part(&args);

    return answer_result(
        zmq_setsockopt(peer->socket, option, topic, strlen(topic)));
}

/* A subscription as a message: 1 or 0, and the topic. */
static size_t parse_subscription(char *args)
{
    args[0] = args[0] == '+';
    return 1 + strlen(args + 1);
}

static int run_tell(struct peer *peer, char *args)
{
    return answer_result(
        zmq_send(peer->socket, args, parse_subscription(args), 0));
}

static int run_told(struct peer *peer, char *args)
{
    size_t wanted = parse_subscription(args);
    char got[LINE_MAX_SIZE];
    int size = zmq_recv(peer->socket, got, sizeof(got), 0);

    if (size == -1)
        return answer_result(-1);
    if ((size_t)size != wanted || memcmp(got, args, wanted))
        return answer("failed got %d%.*s", got[0], size - 1, got + 1);
    return answer("ok");
}

static int run_end(struct peer *peer)
{
    int result = peer->ctx ? zmq_ctx_term(peer->ctx) : 0;

    peer->ctx = NULL;
    return answer_result(result);
}

static int run(struct peer *peer, const char *verb, char *args)
{
    if (strcmp(verb, "version") == 0)
        return run_version();
    if (strcmp(verb, "socket") == 0)
        return run_socket(peer, args);
    if (strcmp(verb, "set") == 0)
        return run_set(peer, args);
    if (strcmp(verb, "id") == 0)
        return answer_result(
            zmq_setsockopt(peer->socket, ZMQ_ROUTING_ID, args, strlen(args)));
    if (strcmp(verb, "bind") == 0)
        return run_bind(peer, args);
    if (strcmp(verb, "connect") == 0)
        return answer_result(zmq_connect(peer->socket, args));
    if (strcmp(verb, "send") == 0)
        return run_send(peer, args);
    if (strcmp(verb, "fill") == 0)
        return run_fill(peer, args);
    if (strcmp(verb, "receive") == 0)
        return run_receive(peer, args);
    if (strcmp(verb, "echo") == 0)
        return run_echo(peer, args);
    if (strcmp(verb, "text") == 0)
        return run_text(peer, args);
    if (strcmp(verb, "expect") == 0)
        return run_expect(peer, args);
    if (strcmp(verb, "subscribe") == 0)
        return run_subscribe(peer, ZMQ_SUBSCRIBE, args);
    if (strcmp(verb, "unsubscribe") == 0)
        return run_subscribe(peer, ZMQ_UNSUBSCRIBE, args);
    if (strcmp(verb, "tell") == 0)
        return run_tell(peer, args);
    if (strcmp(verb, "told") == 0)
        return run_told(peer, args);
    if (strcmp(verb, "close") == 0)
        return answer_result(zmq_close(peer->socket));
    if (strcmp(verb, "end") == 0)
        return run_end(peer);
    return answer("failed unknown command %s", verb);
}

int main(void)
{
    struct peer peer = {NULL, NULL};
    char line[LINE_MAX_SIZE];

    while (fgets(line, sizeof(line), stdin)) {
        char *args;

        line[strcspn(line, "\n")] = '\0';
        args = strchr(line, ' ');
        if (args)
            *args++ = '\0';
        run(&peer, line, args ? args : line + strlen(line));
    }
    _exit(0);
}
