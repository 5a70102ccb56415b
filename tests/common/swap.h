/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the tests of swap share: a sender with a swap, a receiver, and numbered
 * messages of many sizes.
 *
 * Thread: the main thread, and others for sockets of their own.
 */
#ifndef TESTS_COMMON_SWAP_H
#define TESTS_COMMON_SWAP_H

#include "common/env.h"

#include <sys/types.h>

enum {
    SWAP_MARK = 10,
    SWAP_BODY_SIZE = 300,
    SWAP_MESSAGES = 20000, /* more than is held anywhere else */
    SWAP_PLENTY = 64 * 1024 * 1024,
    SWAP_BODY_MAX = 200000,
};

/* Low marks, and small buffers in the kernel. */
void swap_narrow(void *socket);

/* A swap of so many bytes, and the same. */
void swap_set(void *socket, int64_t size);

/* Plenty of it, durable, in the env's directory. */
void swap_set_durable(const struct env *env, void *socket);

/* The file of the one that is durable, if there is one. */
bool swap_find_file(const struct env *env, char path[512]);

/* Changes a byte of that, counted from its end if it is negative. */
void swap_damage(const struct env *env, off_t at);

/* A PUSH with plenty of swap and a PULL, not connected yet. */
void swap_open_apart(struct env *env, void **push, void **pull);

/* A sender with plenty of swap, bound or connected, and a receiver. */
void swap_open_pair(struct env *env, int sender_type, void **sender,
                    int receiver_type, void **receiver, bool is_bound);

/* A message that tells its number; its size depends on it. */
size_t swap_fill(uint8_t *body, uint32_t number, size_t size_max);

/* Without blocking: messages `from` to `to` - 1. */
void swap_send(void *socket, uint32_t from, uint32_t to, size_t size_max);

/* The same, until one is not taken; gives its number. */
uint32_t swap_send_until_full(void *socket, uint32_t from, size_t size_max);

/* They come, and in this order. */
void swap_receive(void *socket, uint32_t from, uint32_t to, size_t size_max);

#endif
