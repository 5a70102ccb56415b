/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The walk over all options.
 *
 * Thread: the main thread. Owns: contexts and sockets, until it returns.
 */
#include "common/option_walk.h"

#include <errno.h>
#include <limits.h>

enum { VALUE_MAX = 600, SHOWN_MAX = 8 };

static const char *const type_names[] = {
    "PAIR",   "PUB",  "SUB",  "REQ",  "REP",  "DEALER",
    "ROUTER", "PULL", "PUSH", "XPUB", "XSUB", "STREAM",
};

static const size_t sizes[] = {0,  1,  2,  3,  4,  5,   7,   8,
                               16, 32, 40, 41, 64, 255, 256, 257};

/* What a value begins with; the rest of it is zeros. */
static const int numbers[] = {0,  1,   2,       3,       -1,
                              -2, 100, 6553600, INT_MAX, INT_MIN};

/* Values are cut to the size, and filled up with the last character. */
static const char *const texts[] = {
    "a",
    "X-key:value",
    "X-:v",
    "key:value",
    "127.0.0.1",
    "10.0.0.0/8a",
    "::1/128",
    "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", /* Z85 of 32 bytes */
};

enum {
    SIZE_COUNT = sizeof(sizes) / sizeof(sizes[0]),
    NUMBER_COUNT = sizeof(numbers) / sizeof(numbers[0]),
    TEXT_COUNT = sizeof(texts) / sizeof(texts[0]),
};

struct walk {
    FILE *to;
    void *ctx;
    const char *type;
    const char *phase;
};

static void say_result(struct walk *walk, int rc)
{
    if (rc == 0)
        fputs(" 0", walk->to);
    else
        fprintf(walk->to, " %s", errno == EINVAL ? "EINVAL" : strerror(errno));
}

/* ---- getting -------------------------------------------------------- */

/* Whether what is read depends on the run, and not on the library. */
static bool is_volatile(const struct walk *walk, int option)
{
    return option == ZMQ_FD || option == ZMQ_LAST_ENDPOINT ||
           (option == ZMQ_ROUTING_ID && strcmp(walk->type, "STREAM") == 0);
}

static void say_value(struct walk *walk, const unsigned char *value,
                      size_t size)
{
    size_t end = size;

    uint32_t sum = 0;

    while (end > 0 && value[end - 1] == 0)
        end--;
    fprintf(walk->to, ":%zu:", size);
    for (size_t i = 0; i < end; i++) {
        if (i < SHOWN_MAX)
            fprintf(walk->to, "%02x", value[i]);
        sum = sum * 31 + value[i];
    }
    if (end > SHOWN_MAX)
        fprintf(walk->to, "~%x", (unsigned)sum);
}

static void walk_get(struct walk *walk, void *socket, int option)
{
    unsigned char value[VALUE_MAX];

    fprintf(walk->to, "%s %s %d get", walk->type, walk->phase, option);
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        size_t size = sizes[i];
        int rc;

        memset(value, 0, sizeof(value));
        rc = zmq_getsockopt(socket, option, value, &size);
        say_result(walk, rc);
        if (rc == 0 && !is_volatile(walk, option))
            say_value(walk, value, size);
    }
    fputc('\n', walk->to);
}

/* ---- setting -------------------------------------------------------- */

/* After each value that is taken, what is read then, and how it concerns
 * security. */
static void walk_set_value(struct walk *walk, void *socket, int option,
                           const void *value, size_t size)
{
    static const size_t readable[] = {4, 8, 32, 41, 258};
    unsigned char got[VALUE_MAX];
    int rc = zmq_setsockopt(socket, option, value, size);
    int mechanism = -1;

    say_result(walk, rc);
    if (rc != 0 || is_volatile(walk, option))
        return;
    for (size_t i = 0; i < sizeof(readable) / sizeof(readable[0]); i++) {
        size_t got_size = readable[i];

        memset(got, 0, sizeof(got));
        if (zmq_getsockopt(socket, option, got, &got_size) == 0) {
            say_value(walk, got, got_size);
            break;
        }
    }
    size = sizeof(mechanism);
    zmq_getsockopt(socket, ZMQ_MECHANISM, &mechanism, &size);
    fprintf(walk->to, "/%d", mechanism);
}

static void walk_set(struct walk *walk, void *socket, int option, size_t size)
{
    char value[VALUE_MAX];

    fprintf(walk->to, "%s %s %d set[%zu]", walk->type, walk->phase, option,
            size);
    if (size == 0)
        walk_set_value(walk, socket, option, NULL, 0);
    for (int i = 0; i < NUMBER_COUNT; i++) {
        memset(value, 0, sizeof(value));
        memcpy(value, &numbers[i], sizeof(numbers[i]));
        walk_set_value(walk, socket, option, value, size);
    }
    for (int i = 0; i < TEXT_COUNT; i++) {
        size_t length = strlen(texts[i]);

        memset(value, texts[i][length - 1], sizeof(value));
        memcpy(value, texts[i], length);
        if (size == length + 1)
            value[length] = '\0';
        walk_set_value(walk, socket, option, value, size);
    }
    fputc('\n', walk->to);
}

/* ---- sockets -------------------------------------------------------- */

static void *walk_open(struct walk *walk, int type, bool is_used)
{
    void *socket = zmq_socket(walk->ctx, type);

    if (socket == NULL)
        return NULL;
    walk->type = type_names[type];
    walk->phase = is_used ? "used" : "new";
    if (is_used) {
        assert_ok(zmq_bind(socket, "tcp://127.0.0.1:*"));
        assert_ok(zmq_connect(socket, "inproc://nobody"));
    }
    return socket;
}

static void walk_close(void *socket)
{
    int linger = 0;

    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof(linger));
    zmq_close(socket);
}

static void walk_option(struct walk *walk, int type, int option, bool is_used)
{
    void *socket = walk_open(walk, type, is_used);

    if (socket == NULL)
        return;
    walk_get(walk, socket, option);
    for (size_t i = 0; i < SIZE_COUNT; i++)
        walk_set(walk, socket, option, sizes[i]);
    walk_get(walk, socket, option);
    walk_close(socket);
}

/* ---- contexts and messages ------------------------------------------ */

static void walk_context(struct walk *walk)
{
    walk->type = "context";
    walk->phase = "new";
    for (int option = 0; option < OPTION_WALK_END; option++) {
        void *ctx = zmq_ctx_new();

        fprintf(walk->to, "context new %d get", option);
        errno = 0;
        fprintf(walk->to, " %d", zmq_ctx_get(ctx, option));
        fprintf(walk->to, "/%d\n", errno == EINVAL);
        fprintf(walk->to, "context new %d set[4]", option);
        for (int i = 0; i < NUMBER_COUNT; i++) {
            say_result(walk, zmq_ctx_set(ctx, option, numbers[i]));
            errno = 0;
            fprintf(walk->to, ":%d", zmq_ctx_get(ctx, option));
        }
        fputc('\n', walk->to);
        zmq_ctx_term(ctx);
    }
}

static void walk_message(struct walk *walk)
{
    zmq_msg_t msg;

    walk->type = "message";
    walk->phase = "new";
    zmq_msg_init_size(&msg, 100);
    for (int option = 0; option < OPTION_WALK_END; option++) {
        fprintf(walk->to, "message new %d get", option);
        say_result(walk, zmq_msg_get(&msg, option));
        fprintf(walk->to, "\nmessage new %d set[4]", option);
        say_result(walk, zmq_msg_set(&msg, option, 0));
        say_result(walk, zmq_msg_set(&msg, option, 1));
        fputc('\n', walk->to);
    }
    zmq_msg_close(&msg);
}

void option_walk(FILE *to)
{
    struct walk walk = {.to = to};
    int major, minor, patch;

    zmq_version(&major, &minor, &patch);
    fprintf(to, "version %d.%d.%d\n", major, minor, patch);
    for (int type = ZMQ_PAIR; type <= ZMQ_STREAM; type++) {
        walk.ctx = zmq_ctx_new();
        for (int option = 0; option < OPTION_WALK_END; option++) {
            walk_option(&walk, type, option, false);
            walk_option(&walk, type, option, true);
        }
        zmq_ctx_term(walk.ctx);
    }
    walk_context(&walk);
    walk_message(&walk);
}
