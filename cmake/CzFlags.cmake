# SPDX-License-Identifier: MPL-2.0
#
# How everything is compiled, in one place: cz_compile(<target>) gives a
# target the language, warnings, sanitizers and optimisation of this
# project, and leaves a surrounding project's own targets alone.
# Only the x86-64 (or other) baseline is used: no -march.

set(CZ_WARNINGS -Wall -Wextra -Wshadow -Wstrict-prototypes
    -Wmissing-prototypes -Wpointer-arith
    # C11 knows no such thing, and not everybody builds with CZ_WERROR.
    -Werror=implicit-function-declaration
    # In tables what is not named is zero, and meant to be.
    -Wno-missing-field-initializers)
if(CZ_WERROR)
    list(APPEND CZ_WARNINGS -Werror)
endif()
if(CZ_SANITIZE MATCHES "thread" AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
    # The barrier's light side is a fence that TSan never relies on.
    list(APPEND CZ_WARNINGS -Wno-tsan)
endif()

set(CZ_RELEASE "$<CONFIG:Release,RelWithDebInfo,MinSizeRel>")

# cz_compile(<target> [NO_SANITIZE])
function(cz_compile target)
    cmake_parse_arguments(arg "NO_SANITIZE" "" "" ${ARGN})
    set_target_properties(${target} PROPERTIES
        C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
    target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
    # No SLP: it makes one vector of the four numbers that each message changes
    # in its stream, which costs more than four additions (docs/rationale.md).
    target_compile_options(${target} PRIVATE ${CZ_WARNINGS} -g
        $<${CZ_RELEASE}:-O2> -fno-tree-slp-vectorize -fno-plt
        -fno-semantic-interposition)
    if(CZ_SANITIZE AND NOT arg_NO_SANITIZE)
        target_compile_options(${target} PRIVATE -fsanitize=${CZ_SANITIZE}
            -fno-omit-frame-pointer -fno-sanitize-recover=all)
        get_target_property(type ${target} TYPE)
        if(NOT type STREQUAL "OBJECT_LIBRARY")
            target_link_options(${target} PUBLIC -fsanitize=${CZ_SANITIZE})
        endif()
    endif()
endfunction()
