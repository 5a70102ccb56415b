/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The little of ZMTP that a benchmark speaks by itself: the bytes of a
 * greeting, of a READY command and of short frames, for peers that are bare
 * descriptors and for the raw machine's own rows.
 *
 * Thread: any.
 * Owns:   the descriptors that it returns belong to the caller.
 */
#ifndef BENCH_LIB_WIRE_H
#define BENCH_LIB_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_GREETING_SIZE 64
#define WIRE_HELLO_MAX 128

/* A greeting for NULL and a READY command of `socket_type` behind it; returns
 * their size. */
size_t wire_hello(uint8_t hello[WIRE_HELLO_MAX], const char *socket_type);

/* Whether `bytes` hold a whole greeting and the whole command behind it; then
 * `*hello_size` is their size. */
bool wire_has_hello(const uint8_t *bytes, size_t size, size_t *hello_size);

/* Writes the heads of `count` frames of `size` bytes each into `out`, the
 * bodies as they are; returns how many bytes the frames take. */
size_t wire_frames(uint8_t *out, size_t count, size_t size);

/* The bytes that one frame of `size` takes. */
size_t wire_frame_size(size_t size);

/* Counts the frames whose heads are in `bytes`; `*used` is what they take,
 * which is beyond `have` if the last body is still to come. */
size_t wire_count_frames(const uint8_t *bytes, size_t have, size_t *used);

/* A bound, listening descriptor of `transport`, tcp or ipc, and its name in
 * the form of an endpoint. */
int wire_listen(const char *transport, char *endpoint, size_t endpoint_max);

/* A connected descriptor; dies unless the connection comes about. */
int wire_connect(const char *endpoint);

/* The same, having shaken hands as a peer of `socket_type`, and with nothing
 * read behind the other side's READY. */
int wire_greet(const char *endpoint, const char *socket_type);

/* The next connection of a listening descriptor, without delay (Nagle). */
int wire_accept(int listener);

/* Writes or reads exactly `size` bytes. */
void wire_write(int fd, const void *bytes, size_t size);
void wire_read(int fd, void *bytes, size_t size);

#endif
