/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Malformed input and what it leads to: which event, whether the
 * connecting side dials again, and that nobody else notices. The rows are
 * those of the table of malformed input that concern the NULL mechanism.
 *
 * Thread: the main thread of a test.
 */
#include "common/env.h"
#include "common/monitor.h"
#include "common/raw.h"
#include "common/socket.h"
#include "common/zmtp.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define FAILURE_EVENTS                                                         \
    (ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |                                    \
     ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |   \
     ZMQ_EVENT_DISCONNECTED)

#define GREETING                                                               \
    "\xff\0\0\0\0\0\0\0\1\x7f\3\1NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" \
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

_Static_assert(sizeof(GREETING) == ZMTP_GREETING_SIZE + 1, "64 octets");

struct malformed {
    const char *what;
    /* What follows a right greeting of 3.1. */
    const char *input;
    size_t size;
    /* The event before DISCONNECTED, or 0, and its value. */
    int event;
    uint32_t value;
    /* An ERROR: libzmq leaves it to the peer to hang up, and may then dial
     * again. */
    bool is_refusal;
};

#define ROW(what, input, event, value, is_refusal)                             \
    {                                                                          \
        what, input, sizeof(input) - 1, event, value, is_refusal               \
    }
#define SILENT(what, input) ROW(what, input, 0, 0, false)
#define PROTOCOL(what, input, value)                                           \
    ROW(what, input, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, value, false)
#define REFUSED(what, input, event, value) ROW(what, input, event, value, true)

/* The first row is ours only: libzmq takes that length for a small one. */
static const struct malformed rows[] = {
    SILENT("a length of nearly all",
           "\4\26\5READY\13Socket-Type\xff\xff\xff\xff"),

    PROTOCOL("a message instead of READY", "\0\2hi",
             ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND),
    PROTOCOL("an empty frame instead of READY", "\4\0",
             ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND),
    PROTOCOL("PING instead of READY", "\4\7\4PING\0\0",
             ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND),
    PROTOCOL("HELLO instead of READY", "\4\6\5HELLO",
             ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND),
    PROTOCOL("the name in another case", "\4\6\5Ready",
             ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND),
    PROTOCOL("half a name", "\4\4\5REA",
             ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND),
    SILENT("an incompatible type", "\4\32\5READY\13Socket-Type\0\0\0\4PULL"),
    SILENT("an unknown type", "\4\32\5READY\13Socket-Type\0\0\0\4PILL"),
    SILENT("the right type and more",
           "\4\33\5READY\13Socket-Type\0\0\0\5PUSHX"),
    SILENT("an empty type", "\4\26\5READY\13Socket-Type\0\0\0\0"),
    SILENT("the type in another case",
           "\4\32\5READY\13Socket-Type\0\0\0\4push"),
    SILENT("a name that runs past the end", "\4\13\5READY\13Sock"),
    SILENT("a value that runs past the end",
           "\4\31\5READY\13Socket-Type\0\0\0\4PUS"),
    SILENT("a length that runs past the end", "\4\24\5READY\13Socket-Type\0\0"),
    SILENT("a stray octet", "\4\33\5READY\13Socket-Type\0\0\0\4PUSH\1"),
    SILENT("a second property cut short",
           "\4\37\5READY\13Socket-Type\0\0\0\4PUSH\3X-a\0"),
    PROTOCOL("ERROR without a reason", "\4\6\5ERROR",
             ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR),
    PROTOCOL("a reason that runs past the end", "\4\11\5ERROR\0034\60",
             ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR),
    REFUSED("refused with 300", "\4\12\5ERROR\003300",
            ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 300),
    REFUSED("refused with 400", "\4\12\5ERROR\003400",
            ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 400),
    REFUSED("refused with 500", "\4\12\5ERROR\003500",
            ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 500),
    REFUSED("another reason", "\4\11\5ERROR\2no", 0, 0),
    REFUSED("no reason given", "\4\7\5ERROR\0", 0, 0),
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static size_t first_row(void)
{
    return is_ceromq() ? 0 : 1;
}

/* The socket hangs up and tells why; closes the descriptor. */
static void expect_end(int fd, void *monitor, const struct malformed *row)
{
    struct monitor_event event;

    if (is_ceromq() || !row->is_refusal)
        assert_true(raw_is_hung_up(fd, PATIENCE_MS));
    if (row->event) {
        event = monitor_expect(monitor, row->event);
        assert_int_equal(event.value, row->value);
    }
    close(fd);
    if (is_ceromq() || !row->is_refusal)
        monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
    else
        monitor_wait(monitor, ZMQ_EVENT_DISCONNECTED);
}

/* A connection that must go on working whatever happens beside it. */
static int dial_good(const char *endpoint)
{
    int fd = raw_connect(endpoint);

    raw_handshake(fd, "PUSH");
    return fd;
}

static void expect_good(void *pull, int good)
{
    raw_write_frame(good, 0, "good", 4);
    expect_part(pull, "good", false);
}

static void malformed_handshake_ends_that_connection_only(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    void *monitor = monitor_open(env, pull, FAILURE_EVENTS);
    char endpoint[ENDPOINT_MAX];
    int good;

    env_bind(env, pull, endpoint);
    good = dial_good(endpoint);
    for (size_t i = first_row(); i < ROWS; i++) {
        int fd = raw_connect(endpoint);

        print_message("          %s\n", rows[i].what);
        raw_write(fd, GREETING, ZMTP_GREETING_SIZE);
        raw_write(fd, rows[i].input, rows[i].size);
        expect_end(fd, monitor, &rows[i]);
        expect_good(pull, good);
    }
    close(good);
}

/* The same where we connect: none of them is worth another attempt. */
static void malformed_handshake_is_not_dialled_again(void **state)
{
    struct env *env = *state;
    int listeners[ROWS];
    void *pull = env_socket(env, ZMQ_PULL);
    void *monitor = monitor_open(env, pull, FAILURE_EVENTS);

    set_int(pull, ZMQ_RECONNECT_IVL, 1);
    for (size_t i = first_row(); i < ROWS; i++) {
        char endpoint[ENDPOINT_MAX];
        int fd;

        listeners[i] = -1;
        if (!is_ceromq() && rows[i].is_refusal)
            continue;
        env_free_endpoint(env, endpoint);
        listeners[i] = raw_listen(endpoint);
        assert_ok(zmq_connect(pull, endpoint));
        fd = raw_accept(listeners[i]);
        raw_write(fd, GREETING, ZMTP_GREETING_SIZE);
        raw_write(fd, rows[i].input, rows[i].size);
        expect_end(fd, monitor, &rows[i]);
    }
    monitor_expect_nothing(monitor);
    for (size_t i = first_row(); i < ROWS; i++) {
        struct pollfd item = {.fd = listeners[i], .events = POLLIN};

        assert_int_equal(poll(&item, 1, 0), 0);
        if (listeners[i] >= 0)
            close(listeners[i]);
    }
}

/* What is unusual in READY, and no error. */
static void unusual_ready_is_accepted(void **state)
{
    static const struct malformed unusual[] = {
        SILENT("no properties", "\4\6\5READY"),
        SILENT("without the command flag",
               "\0\32\5READY\13Socket-Type\0\0\0\4PUSH"),
        SILENT("in the long form", "\6\0\0\0\0\0\0\0\32\5READY\13Socket-Type"
                                   "\0\0\0\4PUSH"),
        SILENT("an unknown property",
               "\4\51\5READY\3X-a\0\0\0\7unknown\13Socket-Type\0\0\0\4PUSH"),
        SILENT("an empty property name",
               "\4\41\5READY\0\0\0\0\2ab\13Socket-Type\0\0\0\4PUSH"),
        SILENT("an identity for a type that has no use for it",
               "\4\52\5READY\13Socket-Type\0\0\0\4PUSH\10Identity\0\0\0\3abc"),
        SILENT("a property twice", "\4\56\5READY\13Socket-Type\0\0\0\4PUSH"
                                   "\13Socket-Type\0\0\0\4PUSH"),
    };
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    char endpoint[ENDPOINT_MAX];

    env_bind(env, pull, endpoint);
    for (size_t i = 0; i < sizeof(unusual) / sizeof(unusual[0]); i++) {
        int fd = raw_connect(endpoint);

        print_message("          %s\n", unusual[i].what);
        raw_write(fd, GREETING, ZMTP_GREETING_SIZE);
        raw_write(fd, unusual[i].input, unusual[i].size);
        zmtp_expect_opening(fd, "PULL");
        raw_write_frame(fd, 0, "hi", 2);
        expect_part(pull, "hi", false);
        close(fd);
    }
}

/* A peer may send messages right behind its READY. */
static void messages_behind_ready_are_kept(void **state)
{
    struct env *env = *state;

    for (int i = 0; i < 2; i++) {
        void *pull = env_socket(env, ZMQ_PULL);
        int fd = zmtp_attach(env, pull, i == 0);
        struct zmtp_bytes bytes = {.size = 0};

        /* libzmq takes them for a handshake when its own READY is not out
         * yet: give it time for that. */
        if (!is_ceromq())
            zmtp_put_greeting(&bytes, 3, 1, "NULL");
        if (!is_ceromq()) {
            zmtp_write(fd, &bytes);
            zmtp_expect_opening(fd, "PULL");
            bytes.size = 0;
            zmtp_put_ready(&bytes, "PUSH", NULL);
        } else {
            zmtp_put_opening(&bytes, "PUSH");
        }
        zmtp_put_frame(&bytes, ZMTP_MORE, "a", 1);
        zmtp_put_frame(&bytes, 0, "b", 1);
        zmtp_put_frame(&bytes, 0, "c", 1);
        zmtp_write(fd, &bytes);
        expect_part(pull, "a", true);
        expect_part(pull, "b", false);
        expect_part(pull, "c", false);
        close(fd);
    }
}

/* What could still become a peer's greeting ends with its connection. Only the
 * last could not, which is refused at once, and without a reason. */
static void strangers_harm_nobody_else(void **state)
{
    static const char *const texts[] = {
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
        "\x16\x03\x01\x02\x01\x01\xfc\x03\x03",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe\x01\x01\x01",
    };
    const size_t refused = sizeof(texts) / sizeof(texts[0]) - 1;
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    void *monitor = monitor_open(env, pull, FAILURE_EVENTS);
    char endpoint[ENDPOINT_MAX];
    int good;

    env_bind(env, pull, endpoint);
    good = dial_good(endpoint);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int fd = raw_connect(endpoint);

        raw_try_write(fd, texts[i], strlen(texts[i]));
        expect_good(pull, good);
        if (i != refused)
            shutdown(fd, SHUT_WR);
        assert_true(raw_is_hung_up(fd, PATIENCE_MS));
        expect_good(pull, good);
        if (i != refused)
            assert_int_equal(
                monitor_expect(monitor, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL)
                    .value,
                EPIPE);
        monitor_expect(monitor, ZMQ_EVENT_DISCONNECTED);
        close(fd);
    }
    close(good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(unusual_ready_is_accepted),
        ON_STREAMS(messages_behind_ready_are_kept),
        ON_STREAMS(malformed_handshake_ends_that_connection_only),
        ON_STREAMS(malformed_handshake_is_not_dialled_again),
        ON_STREAMS(strangers_harm_nobody_else),
    };

    return cmocka_run_group_tests_name("raw_malformed", tests, NULL, NULL);
}
