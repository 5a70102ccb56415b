/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A process with a durable swap is killed again and again, at random moments,
 * and begins anew: no message whose zmq_send returned is lost, none comes out
 * of order, and none is torn. What had been handed over may come once more.
 *
 *     swap_crash <endpoint> <directory> <shared file> <seed>     sends for ever
 *     swap_crash <...> 0                                         a few, and
 * ends
 *
 * CZ_SEED chooses the moments.
 *
 * CTest: TIMEOUT 120
 * Thread: the main thread. Owns: the process that is killed.
 */
#include "common/env.h"

#include "common/random.h"
#include "common/socket.h"
#include "common/swap.h"

#include <ceromq.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    KILLS = 150, /* on each transport */
    LIFE_US_MAX = 20000,
    LAST_MESSAGES = 100,
    BODY_MAX = 2000,
    NUMBERS_MAX = 10000000,
};

/* What the sender knows to have been taken, for its successor. */
struct shared {
    _Atomic uint32_t sent;
};

/* ---- the sender ----------------------------------------------------- */

/* Every seventh message has two parts, of which the second one is a mark. */
static bool is_double(uint32_t number)
{
    return number % 7 == 3;
}

static void send_one(void *socket, uint32_t number)
{
    uint8_t body[BODY_MAX];
    size_t size = swap_fill(body, number, BODY_MAX);
    int flags = is_double(number) ? ZMQ_SNDMORE : 0;

    if (zmq_send(socket, body, size, flags) == -1 ||
        (flags && zmq_send(socket, "mark", 4, 0) == -1))
        _exit(3);
}

static int send_for_ever(char **argv)
{
    int fd = open(argv[3], O_RDWR);
    uint64_t seed = strtoull(argv[4], NULL, 10);
    struct shared *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int64_t swap = 256 * 1024 * 1024;
    int durable = 1, sync = -1, hwm = 10, buffer = 4096;
    void *ctx = zmq_ctx_new();
    void *socket = zmq_socket(ctx, ZMQ_DEALER);
    uint32_t until = UINT32_MAX;

    if (shared == MAP_FAILED)
        return 2;
    zmq_setsockopt(socket, ZMQ_SWAP, &swap, sizeof(swap));
    zmq_setsockopt(socket, ZMQ_SNDHWM, &hwm, sizeof(hwm));
    zmq_setsockopt(socket, ZMQ_SNDBUF, &buffer, sizeof(buffer));
    zmq_setsockopt(socket, CERO_SWAP_DURABLE, &durable, sizeof(durable));
    zmq_setsockopt(socket, CERO_SWAP_SYNC, &sync, sizeof(sync));
    zmq_setsockopt(socket, CERO_SWAP_DIR, argv[2], strlen(argv[2]));
    if (zmq_connect(socket, argv[1]) != 0)
        return errno == EBUSY ? 4 : 5;
    if (seed == 0)
        until = atomic_load(&shared->sent) + LAST_MESSAGES;
    for (uint32_t i = atomic_load(&shared->sent); i < until; i++) {
        send_one(socket, i);
        atomic_store(&shared->sent, i + 1);
        /* Unevenly, so that the kill meets full and empty pipes. */
        if (seed && random_below(&seed, 16) == 0)
            usleep(random_below(&seed, 200));
    }
    zmq_close(socket);
    zmq_ctx_term(ctx);
    return 0;
}

/* ---- the receiver --------------------------------------------------- */

/* A ROUTER tells connections apart: what is left of one may be read when the
 * next one has begun. */
struct connection {
    uint8_t id[5];
    uint32_t last;
};

struct course {
    void *router;
    struct connection connections[KILLS + 1];
    int count;
    bool *has_come; /* by number */
    uint32_t begins;
    struct shared *shared;
};

static struct connection *find_connection(struct course *c)
{
    uint8_t id[5];
    struct connection *found;

    assert_int_equal(zmq_recv(c->router, id, sizeof(id), 0), sizeof(id));
    for (int i = c->count - 1; i >= 0; i--)
        if (memcmp(c->connections[i].id, id, sizeof(id)) == 0)
            return &c->connections[i];
    assert_true(c->count <= KILLS);
    found = &c->connections[c->count++];
    memcpy(found->id, id, sizeof(id));
    found->last = UINT32_MAX;
    return found;
}

static void receive_one(struct course *c)
{
    static uint8_t body[BODY_MAX + 1], expected[BODY_MAX];
    struct connection *connection = find_connection(c);
    int size = zmq_recv(c->router, body, sizeof(body), 0);
    uint32_t number;

    assert_true(size >= 4 && size <= BODY_MAX);
    memcpy(&number, body, sizeof(number));
    assert_int_equal(swap_fill(expected, number, BODY_MAX), size);
    assert_memory_equal(body, expected, (size_t)size);
    assert_int_equal(get_int(c->router, ZMQ_RCVMORE), is_double(number));
    if (is_double(number))
        expect_part(c->router, "mark", false);
    assert_true(number < NUMBERS_MAX);
    /* One after the other. A message that had been written when its sender did
     * not know it yet, its successor sends again. */
    if (connection->last == UINT32_MAX)
        c->begins++;
    else if (number != connection->last)
        assert_int_equal(number, connection->last + 1);
    connection->last = number;
    c->has_come[number] = true;
}

/* Receives what comes within the time. */
static void receive_for(struct course *c, int time_ms)
{
    int64_t end_ms = now_ms() + time_ms;
    zmq_pollitem_t item = {.socket = c->router, .events = ZMQ_POLLIN};

    while (zmq_poll(&item, 1, time_ms) > 0 && now_ms() <= end_ms)
        receive_one(c);
}

static pid_t start(const char *endpoint, const char *directory,
                   const char *shared, uint64_t seed)
{
    char text[24];
    pid_t pid;

    snprintf(text, sizeof(text), "%llu", (unsigned long long)seed);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        execl("/proc/self/exe", "swap_crash", endpoint, directory, shared, text,
              (char *)NULL);
        _exit(127);
    }
    return pid;
}

static struct shared *open_shared(const struct env *env, char path[256])
{
    struct shared *shared;
    int fd;

    snprintf(path, 256, "%s/shared", env->directory);
    fd = open(path, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, sizeof(*shared)), 0);
    shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(shared != MAP_FAILED);
    close(fd);
    return shared;
}

/* Until the last one is done. */
static void finish(struct course *c, pid_t pid)
{
    int64_t end_ms = now_ms() + PATIENCE_MS;
    int status;
    pid_t ended;

    do {
        receive_for(c, 10);
        ended = waitpid(pid, &status, WNOHANG);
    } while (ended == 0 && now_ms() < end_ms);
    assert_int_equal(ended, pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    while (is_ready(c->router, ZMQ_POLLIN, GLANCE_MS))
        receive_one(c);
}

static void no_kill_loses_or_reorders_a_message(void **state)
{
    static struct course c;
    struct env *env = *state;
    uint64_t seed = random_seed();
    char endpoint[ENDPOINT_MAX], path[256];
    bool is_away = false;
    uint32_t sent;

    memset(&c, 0, sizeof(c));
    c.router = env_socket(env, ZMQ_ROUTER);
    /* Little is under way, so that most of what is lost would show. */
    set_int(c.router, ZMQ_RCVHWM, 5);
    set_int(c.router, ZMQ_RCVBUF, 4096);
    c.has_come = calloc(NUMBERS_MAX, sizeof(*c.has_come));
    assert_non_null(c.has_come);
    c.shared = open_shared(env, path);
    env_bind(env, c.router, endpoint);
    for (int i = 0; i < KILLS; i++) {
        pid_t pid = start(endpoint, env->directory, path,
                          random_below(&seed, UINT32_MAX) | 1);
        int status;

        /* Now and then nobody reads for a while, so that much waits. */
        if (random_below(&seed, 8) == 0)
            is_away = !is_away;
        if (!is_away)
            receive_for(&c, (int)random_below(&seed, 5));
        /* The kill comes at any moment, and not after some event: that is what
         * is tested. */
        usleep(random_below(&seed, LIFE_US_MAX));
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
    }
    finish(&c, start(endpoint, env->directory, path, 0));
    sent = atomic_load(&c.shared->sent);
    print_message("%u messages over %u connections\n", (unsigned)sent,
                  (unsigned)c.begins);
    assert_true(sent > KILLS);
    for (uint32_t i = 0; i < sent; i++)
        if (!c.has_come[i])
            fail_msg("message %u of %u is lost", (unsigned)i, (unsigned)sent);
    free(c.has_come);
    munmap(c.shared, sizeof(*c.shared));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ON_STREAMS(no_kill_loses_or_reorders_a_message),
    };

    if (argc == 5)
        return send_for_ever(argv);
    return is_ceromq() ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
