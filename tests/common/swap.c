/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Numbered messages through a swap.
 *
 * Thread: see common/swap.h.
 */
#include "common/swap.h"

#include "common/socket.h"

#include <ceromq.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void swap_narrow(void *socket)
{
    set_int(socket, ZMQ_SNDHWM, SWAP_MARK);
    set_int(socket, ZMQ_RCVHWM, SWAP_MARK);
    set_int(socket, ZMQ_SNDBUF, 65536);
    set_int(socket, ZMQ_RCVBUF, 65536);
}

void swap_set(void *socket, int64_t size)
{
    assert_ok(zmq_setsockopt(socket, ZMQ_SWAP, &size, sizeof(size)));
    swap_narrow(socket);
}

void swap_set_durable(const struct env *env, void *socket)
{
    swap_set(socket, SWAP_PLENTY);
    set_int(socket, CERO_SWAP_DURABLE, 1);
    set_int(socket, CERO_SWAP_SYNC, -1);
    assert_ok(zmq_setsockopt(socket, CERO_SWAP_DIR, env->directory,
                             strlen(env->directory)));
}

bool swap_find_file(const struct env *env, char path[512])
{
    DIR *dir = opendir(env->directory);
    const struct dirent *entry;
    bool is_there = false;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (strncmp(entry->d_name, "cero-", 5) != 0)
            continue;
        assert_false(is_there);
        is_there = true;
        snprintf(path, 512, "%s/%s", env->directory, entry->d_name);
    }
    closedir(dir);
    return is_there;
}

void swap_damage(const struct env *env, off_t at)
{
    char path[512];
    char byte;
    int fd;

    assert_true(swap_find_file(env, path));
    fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    if (at < 0)
        at += lseek(fd, 0, SEEK_END);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void open_apart(struct env *env, int sender_type, void **sender,
                       int receiver_type, void **receiver)
{
    *sender = env_socket(env, sender_type);
    *receiver = env_socket(env, receiver_type);
    swap_set(*sender, SWAP_PLENTY);
    swap_narrow(*receiver);
}

void swap_open_apart(struct env *env, void **push, void **pull)
{
    open_apart(env, ZMQ_PUSH, push, ZMQ_PULL, pull);
}

void swap_open_pair(struct env *env, int sender_type, void **sender,
                    int receiver_type, void **receiver, bool is_bound)
{
    open_apart(env, sender_type, sender, receiver_type, receiver);
    if (is_bound)
        env_link(env, *sender, *receiver);
    else
        env_link(env, *receiver, *sender);
}

size_t swap_fill(uint8_t *body, uint32_t number, size_t size_max)
{
    size_t size = sizeof(number) + number * 37 % (size_max - sizeof(number));

    memset(body, (int)(number % 251), size);
    memcpy(body, &number, sizeof(number));
    return size;
}

void swap_send(void *socket, uint32_t from, uint32_t to, size_t size_max)
{
    static uint8_t body[SWAP_BODY_MAX];

    for (uint32_t i = from; i < to; i++) {
        size_t size = swap_fill(body, i, size_max);

        assert_int_equal(zmq_send(socket, body, size, ZMQ_DONTWAIT), size);
    }
}

uint32_t swap_send_until_full(void *socket, uint32_t from, size_t size_max)
{
    static uint8_t body[SWAP_BODY_MAX];
    size_t size;

    do
        size = swap_fill(body, from++, size_max);
    while (zmq_send(socket, body, size, ZMQ_DONTWAIT) != -1);
    assert_int_equal(errno, EAGAIN);
    return from - 1;
}

void swap_receive(void *socket, uint32_t from, uint32_t to, size_t size_max)
{
    static uint8_t body[SWAP_BODY_MAX], expected[SWAP_BODY_MAX];

    for (uint32_t i = from; i < to; i++) {
        size_t size = swap_fill(expected, i, size_max);

        assert_int_equal(zmq_recv(socket, body, sizeof(body), 0), size);
        assert_memory_equal(body, expected, size);
    }
}
