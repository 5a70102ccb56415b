/* SPDX-License-Identifier: MPL-2.0 */
typedef int cz_abi_placeholder;
