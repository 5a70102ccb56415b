/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Streams: any sequence of operations has the same effect on a stream as on
 * a model of it (unit/msg/stream_model.h).
 *
 * Input: the operations and their arguments, two bytes each; the model takes
 * them modulo what makes sense.
 */
#include "fuzz/check.h"

#include "unit/msg/stream_model.h"

struct tape {
    struct model_source base;
    const uint8_t *at;
    const uint8_t *end;
};

static bool tape_next(struct model_source *source, uint32_t *value)
{
    struct tape *tape = cz_container_of(source, struct tape, base);

    *value = 0;
    if (tape->end - tape->at < 2)
        return false;
    *value = (uint32_t)tape->at[0] | (uint32_t)tape->at[1] << 8;
    tape->at += 2;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct tape tape = {{tape_next}, bytes, bytes + size};

    model_run(&tape.base);
    return 0;
}
