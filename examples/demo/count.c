/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The demo's job, done by one process without any messages: count the
 * lines, words and bytes of standard input. The other programs must come
 * to the same result.
 */
#include "pieces.h"
#include "tally.h"

int main(void)
{
    struct pieces pieces = {0};
    struct tally sum = {0};
    const char *piece;
    size_t size;

    while (pieces_next(&pieces, 65536, &piece, &size)) {
        struct tally part = tally_text(piece, size);

        tally_add(&sum, &part);
    }
    free(pieces.buffer);
    tally_print(&sum);
    return ferror(stdin) ? 1 : 0;
}
