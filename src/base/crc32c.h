/* SPDX-License-Identifier: MPL-2.0 */
/*
 * CRC-32C (Castagnoli), as in RFC 3720.
 */
#ifndef CZ_BASE_CRC32C_H
#define CZ_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of what came before, 0 at first, goes on with more bytes. */
uint32_t cz_crc32c(uint32_t crc, const void *data, size_t size);

/* The same, without the processor's help: slower by far. */
uint32_t cz_crc32c_by_table(uint32_t crc, const void *data, size_t size);

#endif
