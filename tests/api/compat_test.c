/* SPDX-License-Identifier: MPL-2.0 */
/*
 * docs/compat.md is right and complete: every call that zmq.h declares and
 * every type of socket is tried, and those that answer ENOTSUP are exactly
 * those of the page; its options are unknown. About this library alone.
 *
 * Thread: the main thread.
 */
#define ZMQ_BUILD_DRAFT_API
#include "common/suite.h"

#include <ctype.h>
#include <errno.h>
#include <sys/uio.h>

#define NAMES_MAX 160
#define NAME_MAX_SIZE 64
#define OPTIONS_END 200
#define TYPES_END 32

/* A set of names. */
struct names {
    char text[NAMES_MAX][NAME_MAX_SIZE];
    size_t count;
};

struct scene {
    struct names declared; /* in zmq.h */
    struct names listed;   /* in compat.md, section "calls" */
    struct names called;
    struct names unsupported;
    bool types[TYPES_END]; /* listed, by number */
    bool options[OPTIONS_END];
};

/* ---- names ---------------------------------------------------------- */

static bool names_have(const struct names *names, const char *text)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->text[i], text) == 0)
            return true;
    }
    return false;
}

/* The name that `text` begins with. */
static void names_add(struct names *names, const char *text)
{
    char name[NAME_MAX_SIZE] = "";
    size_t size = 0;

    while (size < NAME_MAX_SIZE - 1 &&
           (isalnum((unsigned char)text[size]) || text[size] == '_'))
        size++;
    memcpy(name, text, size);
    if (names_have(names, name))
        return;
    assert_true(names->count < NAMES_MAX);
    memcpy(names->text[names->count++], name, sizeof(name));
}

/* Fails unless every name of one set is in the other. */
static void names_within(const struct names *names, const struct names *all,
                         const char *complaint)
{
    int missing = 0;

    for (size_t i = 0; i < names->count; i++) {
        if (names_have(all, names->text[i]))
            continue;
        print_error("%s: %s\n", names->text[i], complaint);
        missing++;
    }
    assert_int_equal(missing, 0);
}

/* ---- the page and the header ---------------------------------------- */

static FILE *source_open(const char *path)
{
    const char *root = getenv("CZ_SOURCE_DIR");
    char full[1024];
    FILE *file;

    snprintf(full, sizeof(full), "%s/%s", root != NULL ? root : ".", path);
    file = fopen(full, "r");
    if (file == NULL)
        print_error("cannot read %s; set CZ_SOURCE_DIR\n", full);
    return file;
}

static void read_row(struct scene *scene, const char *row)
{
    const char *name = row + strlen("| `");
    const char *second = strchr(name, '|');
    int number = second != NULL ? atoi(second + 1) : 0;

    if (strncmp(name, "zmq_", 4) == 0) {
        names_add(&scene->listed, name);
    } else if (strncmp(name, "ZMQ_", 4) == 0) {
        bool is_type = strchr(second + 1, '|')[1] == '\n';

        assert_true(number > 0 && number < (is_type ? TYPES_END : OPTIONS_END));
        *(is_type ? &scene->types[number] : &scene->options[number]) = true;
    }
}

/* The rows of the page's first three sections begin with a name. */
static bool read_page(struct scene *scene)
{
    FILE *file = source_open("docs/compat.md");
    char line[1024];

    if (file == NULL)
        return false;
    while (fgets(line, sizeof(line), file) != NULL &&
           strcmp(line, "## Not built yet: transports\n") != 0) {
        if (strncmp(line, "| `", 3) == 0)
            read_row(scene, line);
    }
    fclose(file);
    return true;
}

/* A declaration begins with ZMQ_EXPORT and has its name before the first
 * parenthesis. */
static bool read_header(struct scene *scene)
{
    FILE *file = source_open("include/zmq.h");
    char line[1024];

    if (file == NULL)
        return false;
    while (fgets(line, sizeof(line), file) != NULL) {
        const char *name = strstr(line, "zmq_");

        if (strncmp(line, "ZMQ_EXPORT ", 11) == 0 && name != NULL)
            names_add(&scene->declared, name);
    }
    fclose(file);
    return true;
}

static int scene_open(void **state)
{
    static struct scene scene;

    memset(&scene, 0, sizeof(scene));
    *state = &scene;
    return read_page(&scene) && read_header(&scene) ? 0 : -1;
}

/* ---- every call ----------------------------------------------------- */

static void note(struct scene *scene, const char *name)
{
    /* A success may leave anything in errno, but no reason to leave this. */
    bool is_unsupported = errno == ENOTSUP;
    /* The library may have been built without libsodium. */
    bool is_optional = strncmp(name, "zmq_curve_", 10) == 0;

    names_add(&scene->called, name);
    if (is_unsupported && !is_optional)
        names_add(&scene->unsupported, name);
}

/* Makes a call and notes whether it is supported. */
#define TRY(name, ...)                                                         \
    do {                                                                       \
        errno = 0;                                                             \
        (void)name(__VA_ARGS__);                                               \
        note(scene, #name);                                                    \
    } while (0)

/* The same, and keeps the result, which is not NULL. */
#define TRY_GET(variable, name, ...)                                           \
    do {                                                                       \
        errno = 0;                                                             \
        (variable) = name(__VA_ARGS__);                                        \
        note(scene, #name);                                                    \
        assert_non_null(variable);                                             \
    } while (0)

static void on_thread(void *arg)
{
    (void)arg;
}

static void on_timer(int id, void *arg)
{
    (void)id;
    (void)arg;
}

static void try_tools(struct scene *scene)
{
    static const uint8_t bytes[4] = {1, 2, 3, 4};
    int major, minor, patch;
    char text[64], secret[64];
    uint8_t back[64];
    void *object;

    TRY(zmq_version, &major, &minor, &patch);
    TRY(zmq_has, "ipc");
    TRY(zmq_errno);
    TRY(zmq_strerror, EINVAL);
    TRY(zmq_z85_encode, text, bytes, sizeof(bytes));
    TRY(zmq_z85_decode, back, text);
    TRY(zmq_curve_keypair, text, secret);
    TRY(zmq_curve_public, text, secret);
    TRY_GET(object, zmq_atomic_counter_new);
    TRY(zmq_atomic_counter_set, object, 1);
    TRY(zmq_atomic_counter_inc, object);
    TRY(zmq_atomic_counter_dec, object);
    TRY(zmq_atomic_counter_value, object);
    TRY(zmq_atomic_counter_destroy, &object);
    TRY_GET(object, zmq_stopwatch_start);
    TRY(zmq_stopwatch_intermediate, object);
    TRY(zmq_stopwatch_stop, object);
    TRY(zmq_sleep, 0);
    TRY_GET(object, zmq_threadstart, on_thread, NULL);
    TRY(zmq_threadclose, object);
}

static void try_timers(struct scene *scene)
{
    void *timers;

    TRY_GET(timers, zmq_timers_new);
    TRY(zmq_timers_add, timers, 1000, on_timer, NULL);
    TRY(zmq_timers_set_interval, timers, 1, 2000);
    TRY(zmq_timers_reset, timers, 1);
    TRY(zmq_timers_timeout, timers);
    TRY(zmq_timers_execute, timers);
    TRY(zmq_timers_cancel, timers, 1);
    TRY(zmq_timers_destroy, &timers);
}

static void try_messages(struct scene *scene)
{
    static char data[4] = "abc";
    zmq_msg_t msg, other;

    TRY(zmq_msg_init_data, &msg, data, sizeof(data), NULL, NULL);
    TRY(zmq_msg_close, &msg);
    TRY(zmq_msg_init_size, &msg, 100);
    TRY(zmq_msg_close, &msg);
    TRY(zmq_msg_init_buffer, &msg, data, sizeof(data));
    TRY(zmq_msg_init, &other);
    TRY(zmq_msg_copy, &other, &msg);
    TRY(zmq_msg_move, &other, &msg);
    TRY(zmq_msg_data, &other);
    TRY(zmq_msg_size, &other);
    TRY(zmq_msg_more, &other);
    TRY(zmq_msg_get, &other, ZMQ_SHARED);
    TRY(zmq_msg_set, &other, ZMQ_MORE, 1);
    TRY(zmq_msg_gets, &other, "Peer-Address");
    TRY(zmq_msg_set_routing_id, &other, 1);
    TRY(zmq_msg_routing_id, &other);
    TRY(zmq_msg_set_group, &other, "group");
    TRY(zmq_msg_group, &other);
    zmq_msg_close(&other);
    zmq_msg_close(&msg);
}

static void try_poller(struct scene *scene, void *socket)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    zmq_poller_event_t event;
    void *poller;
    int fd;

    TRY(zmq_poll, &item, 1, 0);
    TRY(zmq_ppoll, &item, 1, 0, NULL);
    TRY_GET(poller, zmq_poller_new);
    TRY(zmq_poller_add, poller, socket, NULL, ZMQ_POLLIN);
    TRY(zmq_poller_add_fd, poller, 0, NULL, 0);
    TRY(zmq_poller_size, poller);
    TRY(zmq_poller_modify, poller, socket, ZMQ_POLLOUT);
    TRY(zmq_poller_modify_fd, poller, 0, 0);
    TRY(zmq_poller_wait, poller, &event, 0);
    TRY(zmq_poller_wait_all, poller, &event, 1, 0);
    TRY(zmq_poller_fd, poller, &fd);
    TRY(zmq_poller_remove, poller, socket);
    TRY(zmq_poller_remove_fd, poller, 0);
    TRY(zmq_poller_destroy, &poller);
}

/* Both ends of a connection within one context. */
static void try_traffic(struct scene *scene, void *one, void *two)
{
    char buffer[8];
    struct iovec part = {buffer, 1};
    size_t count = 1;
    zmq_msg_t msg;

    TRY(zmq_send, one, "a", 1, 0);
    TRY(zmq_recv, two, buffer, sizeof(buffer), 0);
    TRY(zmq_send_const, one, "a", 1, 0);
    zmq_msg_init(&msg);
    TRY(zmq_msg_recv, &msg, two, 0);
    TRY(zmq_msg_send, &msg, one, 0);
    TRY(zmq_recvmsg, two, &msg, 0);
    TRY(zmq_sendmsg, two, &msg, 0);
    TRY(zmq_recviov, one, &part, &count, 0);
    TRY(zmq_sendiov, one, &part, 1, 0);
    free(part.iov_base);
    zmq_msg_close(&msg);
}

static void try_sockets(struct scene *scene, void *ctx)
{
    int value = 1;
    size_t size = sizeof(value);
    void *one, *two, *router;

    TRY_GET(one, zmq_socket, ctx, ZMQ_PAIR);
    TRY_GET(two, zmq_socket, ctx, ZMQ_PAIR);
    TRY_GET(router, zmq_socket, ctx, ZMQ_ROUTER);
    TRY(zmq_setsockopt, one, ZMQ_LINGER, &value, sizeof(value));
    TRY(zmq_getsockopt, one, ZMQ_LINGER, &value, &size);
    TRY(zmq_socket_monitor, one, "inproc://monitor", ZMQ_EVENT_ALL);
    TRY(zmq_socket_monitor_versioned, one, "inproc://monitor-2",
        ZMQ_EVENT_ALL_V2, ZMQ_CURRENT_EVENT_VERSION_DRAFT, ZMQ_PAIR);
    TRY(zmq_socket_monitor_pipes_stats, one);
    TRY(zmq_bind, one, "inproc://a");
    TRY(zmq_connect, two, "inproc://a");
    try_traffic(scene, one, two);
    try_poller(scene, one);
    TRY(zmq_disconnect, two, "inproc://a");
    TRY(zmq_unbind, one, "inproc://a");
    TRY(zmq_join, one, "group");
    TRY(zmq_leave, one, "group");
    TRY(zmq_connect_peer, one, "inproc://a");
    TRY(zmq_disconnect_peer, one, 1);
    TRY(zmq_socket_get_peer_state, router, "id", 2);
    TRY(zmq_proxy, one, NULL, NULL);
    TRY(zmq_proxy_steerable, one, NULL, NULL, NULL);
    TRY(zmq_device, ZMQ_QUEUE, one, NULL);
    TRY(zmq_close, one);
    zmq_close(two);
    zmq_close(router);
}

static void try_contexts(struct scene *scene)
{
    size_t size = sizeof(int);
    int value;
    void *ctx;

    TRY_GET(ctx, zmq_init, 1);
    TRY(zmq_term, ctx);
    TRY_GET(ctx, zmq_ctx_new);
    TRY(zmq_ctx_destroy, ctx);
    ctx = zmq_ctx_new();
    TRY(zmq_ctx_set, ctx, ZMQ_IO_THREADS, 1);
    TRY(zmq_ctx_get, ctx, ZMQ_IO_THREADS);
    TRY(zmq_ctx_set_ext, ctx, ZMQ_THREAD_NAME_PREFIX, "name", 5);
    TRY(zmq_ctx_get_ext, ctx, ZMQ_IO_THREADS, &value, &size);
    try_sockets(scene, ctx);
    TRY(zmq_ctx_shutdown, ctx);
    TRY(zmq_ctx_term, ctx);
}

static void the_page_lists_each_unsupported_call(void **state)
{
    struct scene *scene = *state;

    if (!is_ceromq())
        skip();
    try_tools(scene);
    try_timers(scene);
    try_messages(scene);
    try_contexts(scene);
    assert_true(scene->declared.count > 90);
    names_within(&scene->declared, &scene->called, "not tried by this test");
    names_within(&scene->called, &scene->declared, "not in zmq.h");
    names_within(&scene->unsupported, &scene->listed,
                 "fails with ENOTSUP, but docs/compat.md does not say so");
    names_within(&scene->listed, &scene->unsupported,
                 "does not fail with ENOTSUP, as docs/compat.md says");
}

/* ---- types and options ---------------------------------------------- */

static void the_page_lists_each_unsupported_type(void **state)
{
    struct scene *scene = *state;
    void *ctx;

    if (!is_ceromq())
        skip();
    ctx = zmq_ctx_new();
    for (int type = 0; type < TYPES_END; type++) {
        void *socket;
        bool is_unsupported;

        errno = 0;
        socket = zmq_socket(ctx, type);
        is_unsupported = socket == NULL && errno == ENOTSUP;
        if (is_unsupported != scene->types[type])
            print_error("type %d: docs/compat.md is wrong\n", type);
        assert_int_equal(is_unsupported, scene->types[type]);
        if (socket != NULL)
            zmq_close(socket);
    }
    zmq_ctx_term(ctx);
}

/* How many of some attempts to get it, and to set it to 0 or 1, in various
 * sizes, end with this error. */
static int option_failures(void *socket, int option, int error)
{
    static const size_t sizes[] = {1, 2, 4, 8, 32, 41, 256};
    char value[256] = "";
    int count = 0;

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t size = sizes[i];

        count += zmq_getsockopt(socket, option, value, &size) == -1 &&
                 errno == error;
        memset(value, 0, sizeof(value));
        for (int number = 0; number <= 1; number++) {
            memcpy(value, &number, sizeof(number));
            count += zmq_setsockopt(socket, option, value, sizes[i]) == -1 &&
                     errno == error;
        }
    }
    return count;
}

static void
the_page_lists_only_unknown_options_and_none_is_unsupported(void **state)
{
    static const int types[] = {ZMQ_PAIR, ZMQ_DEALER, ZMQ_PUSH, ZMQ_PULL};
    struct scene *scene = *state;
    void *ctx;

    if (!is_ceromq())
        skip();
    ctx = zmq_ctx_new();
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        void *socket = zmq_socket(ctx, types[i]);
        int all = option_failures(socket, OPTIONS_END + 1, EINVAL);

        assert_true(all > 0);
        for (int option = 0; option < OPTIONS_END; option++) {
            assert_int_equal(option_failures(socket, option, ENOTSUP), 0);
            if (!scene->options[option])
                continue;
            if (option_failures(socket, option, EINVAL) != all)
                print_error("option %d: docs/compat.md is wrong\n", option);
            assert_int_equal(option_failures(socket, option, EINVAL), all);
        }
        zmq_close(socket);
    }
    zmq_ctx_term(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_page_lists_each_unsupported_call,
                               scene_open),
        cmocka_unit_test_setup(the_page_lists_each_unsupported_type,
                               scene_open),
        cmocka_unit_test_setup(
            the_page_lists_only_unknown_options_and_none_is_unsupported,
            scene_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
