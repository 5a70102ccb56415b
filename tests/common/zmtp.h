/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A ZMTP peer of any version that says every byte itself. Bytes are
 * collected first, then written whole, in pieces or up to any offset;
 * what comes back is compared to the byte.
 *
 * Thread: the main thread of a test.
 * Owns: nothing; descriptors are the caller's, to be closed with close().
 */
#ifndef TESTS_COMMON_ZMTP_H
#define TESTS_COMMON_ZMTP_H

#include "common/env.h"

#define ZMTP_BYTES_MAX 8192
#define ZMTP_SIGNATURE_SIZE 10
#define ZMTP_GREETING_SIZE 64

/* Flags of a 2.0 frame; zmtp_put_frame() adds LONG by itself. */
#define ZMTP_MORE 1
#define ZMTP_LONG 2
#define ZMTP_COMMAND 4

struct zmtp_bytes {
    unsigned char bytes[ZMTP_BYTES_MAX];
    size_t size;
};

/* One of the four types, as it names itself on the wire. */
struct zmtp_type {
    int type;
    const char *name;
    int peer_type;
    const char *peer_name;
    bool can_send;
    bool can_receive;
};

#define ZMTP_TYPES 4
extern const struct zmtp_type zmtp_types[ZMTP_TYPES];

/* FF, eight bytes of zeros and a one, 7F. */
extern const unsigned char zmtp_signature[ZMTP_SIGNATURE_SIZE];

/* ---- bytes ---- */

void zmtp_put(struct zmtp_bytes *to, const void *bytes, size_t size);
void zmtp_put_byte(struct zmtp_bytes *to, unsigned byte);

/* 64 octets. */
void zmtp_put_greeting(struct zmtp_bytes *to, unsigned major, unsigned minor,
                       const char *mechanism);

/* A frame of 2.0 and 3.x: the short form up to 255 bytes. */
void zmtp_put_frame(struct zmtp_bytes *to, unsigned flags, const void *body,
                    size_t size);

/* The same, with a length of 8 bytes however small. */
void zmtp_put_long_frame(struct zmtp_bytes *to, unsigned flags,
                         const void *body, size_t size);

/* A frame of 1.0: the short form up to 253 bytes. */
void zmtp_put_frame_1(struct zmtp_bytes *to, unsigned flags, const void *body,
                      size_t size);

/* A command of 3.x: the name with its length, then the data. */
void zmtp_put_command(struct zmtp_bytes *to, const char *name, const void *data,
                      size_t size);

/* READY of NULL. `id`: the value of the property Identity, or NULL. */
void zmtp_put_ready(struct zmtp_bytes *to, const char *socket_type,
                    const char *id);

/* Greeting of 3.1 with NULL, and READY. */
void zmtp_put_opening(struct zmtp_bytes *to, const char *socket_type);

/* ---- a connection ---- */

/* Binds the socket and dials it. */
int zmtp_dial(struct env *env, void *socket);

/* Listens, makes the socket connect, and accepts. */
int zmtp_answer(struct env *env, void *socket);

/* The one or the other. */
int zmtp_attach(struct env *env, void *socket, bool is_dialling);

void zmtp_write(int fd, const struct zmtp_bytes *bytes);

/* In pieces; no reading in between. */
void zmtp_write_pieces(int fd, const struct zmtp_bytes *bytes, size_t piece);

/* The next bytes are exactly these. */
void zmtp_expect(int fd, const void *bytes, size_t size);
void zmtp_expect_bytes(int fd, const struct zmtp_bytes *bytes);

/* Nothing more has come so far. */
void zmtp_expect_silence(int fd);

/* The peer hangs up, now or soon, and says nothing more. */
void zmtp_expect_hung_up(int fd);

/* Reads the whole 3.1 greeting and READY of a socket without routing id,
 * to the byte. */
void zmtp_expect_opening(int fd, const char *socket_type);

/* The whole handshake of 3.1 over a connection that stands, as a peer of this
 * type and routing id. */
void zmtp_greet_as(int fd, const char *peer_type, const char *id);

/* Writes one message of text parts. */
#define ZMTP_SAY(fd, ...)                                                      \
    zmtp_say((fd), (const char *const[]){__VA_ARGS__, NULL})
void zmtp_say(int fd, const char *const *parts);

/* Closes with a reset instead of an end of file, where there is one. */
void zmtp_reset(int fd);

#endif
