/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Deprecated: all that programs once found here is in zmq.h. The file stays
 * so that they still compile, with a reminder.
 */
#ifndef __ZMQ_UTILS_H_INCLUDED__
#define __ZMQ_UTILS_H_INCLUDED__

#include "zmq.h"

#if defined(__GNUC__) || defined(__clang__)
#pragma message("zmq_utils.h is deprecated: include zmq.h instead")
#endif

#endif
