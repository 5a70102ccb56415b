/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Four I/O threads, named and kept on one processor, of which the first is
 * for what must not wait: commands go there, bulk data to the others, by
 * ZMQ_AFFINITY.
 *
 * docs/io-threads.md walks through it.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define CHECK(is_true)                                                         \
    do {                                                                       \
        if (!(is_true)) {                                                      \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #is_true,   \
                    zmq_strerror(zmq_errno()));                                \
            exit(1);                                                           \
        }                                                                      \
    } while (0)

enum { IO_THREADS = 4, SENDERS = 12, BLOCKS = 50, BLOCK_SIZE = 100000 };

/* How many threads of this process have names that begin like this. */
static int count_threads(const char *prefix)
{
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *task;
    int count = 0;

    CHECK(tasks != NULL);
    while ((task = readdir(tasks)) != NULL) {
        char path[300], name[32] = "";
        FILE *file;

        snprintf(path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
        file = fopen(path, "r");
        if (!file)
            continue;
        if (fgets(name, sizeof name, file) &&
            strncmp(name, prefix, strlen(prefix)) == 0)
            count++;
        fclose(file);
    }
    closedir(tasks);
    return count;
}

/* A processor that this process may use. */
static int first_cpu(void)
{
    cpu_set_t cpus;
    int cpu = 0;

    CHECK(sched_getaffinity(0, sizeof cpus, &cpus) == 0);
    while (!CPU_ISSET(cpu, &cpus))
        cpu++;
    return cpu;
}

static void *open_context(void)
{
    void *context = zmq_ctx_new();
    int cpu = first_cpu();

    /* All of this before the first socket. */
    zmq_ctx_set(context, ZMQ_IO_THREADS, IO_THREADS);
    zmq_ctx_set(context, ZMQ_THREAD_NAME_PREFIX, 42);
    zmq_ctx_set(context, ZMQ_THREAD_AFFINITY_CPU_ADD, cpu);
    return context;
}

/* Binds to a free port, on the I/O threads whose bits are set. */
static void *bind_on(void *context, int type, uint64_t io_threads,
                     char endpoint[64])
{
    void *socket = zmq_socket(context, type);
    size_t size = 64;

    CHECK(socket != NULL);
    zmq_setsockopt(socket, ZMQ_AFFINITY, &io_threads, sizeof io_threads);
    CHECK(zmq_bind(socket, "tcp://127.0.0.1:*") == 0);
    CHECK(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0);
    return socket;
}

struct sender {
    void *context;
    const char *endpoint;
    pthread_t thread;
};

static void *send_blocks(void *arg)
{
    static const char block[BLOCK_SIZE];
    struct sender *sender = arg;
    void *push = zmq_socket(sender->context, ZMQ_PUSH);

    CHECK(push != NULL && zmq_connect(push, sender->endpoint) == 0);
    for (int i = 0; i < BLOCKS; i++)
        CHECK(zmq_send(push, block, sizeof block, 0) == BLOCK_SIZE);
    CHECK(zmq_close(push) == 0);
    return NULL;
}

/* A question to the command socket, which this thread answers itself. */
static void ask(void *context, void *commands, const char *endpoint)
{
    void *req = zmq_socket(context, ZMQ_REQ);
    char text[16] = "";

    CHECK(req != NULL && zmq_connect(req, endpoint) == 0);
    CHECK(zmq_send(req, "status?", 7, 0) == 7);
    CHECK(zmq_recv(commands, text, sizeof text, 0) == 7);
    CHECK(zmq_send(commands, "fine", 4, 0) == 4);
    CHECK(zmq_recv(req, text, sizeof text, 0) == 4);
    CHECK(zmq_close(req) == 0);
}

int main(void)
{
    static char block[BLOCK_SIZE];
    struct sender senders[SENDERS];
    char command_endpoint[64], data_endpoint[64];
    void *context = open_context();
    void *commands, *data;

    printf("threads of the library at first: %d\n", count_threads("42/"));
    commands = bind_on(context, ZMQ_REP, 1, command_endpoint);
    data = bind_on(context, ZMQ_PULL, 2 | 4 | 8, data_endpoint);
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){context, data_endpoint, 0};
        CHECK(pthread_create(&senders[i].thread, NULL, send_blocks,
                             &senders[i]) == 0);
    }
    for (int i = 0; i < SENDERS * BLOCKS; i++) {
        CHECK(zmq_recv(data, block, sizeof block, 0) == BLOCK_SIZE);
        if (i % 100 == 0)
            ask(context, commands, command_endpoint);
    }
    printf("and when there is something to do: %d\n", count_threads("42/"));
    for (int i = 0; i < SENDERS; i++)
        pthread_join(senders[i].thread, NULL);
    printf("%d blocks have come in, commands were answered meanwhile\n",
           SENDERS * BLOCKS);
    CHECK(zmq_close(commands) == 0 && zmq_close(data) == 0);
    CHECK(zmq_ctx_term(context) == 0);
    return 0;
}
