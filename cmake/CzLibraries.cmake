# SPDX-License-Identifier: MPL-2.0
#
# The libraries. Floor 2, src/os, is a seam: it is compiled apart from the
# rest (cz_os), because the simulation tests link another one.

set(CZ_LIB_DIR "${CMAKE_BINARY_DIR}/lib")
if(NOT PROJECT_IS_TOP_LEVEL)
    set(CZ_LIB_DIR "${CMAKE_CURRENT_BINARY_DIR}/lib")
endif()

file(GLOB CZ_OS_SOURCES CONFIGURE_DEPENDS src/os/*.c)
file(GLOB_RECURSE CZ_SOURCES CONFIGURE_DEPENDS src/*.c)
list(FILTER CZ_SOURCES EXCLUDE REGEX "/src/os/")

# What the library is built on where it is found. CZ_PRIVATE_LIBRARIES are
# linked by whoever links the static library.
set(CZ_PRIVATE_LIBRARIES)
if(CZ_WITH_SODIUM)
    find_package(PkgConfig)
    if(PkgConfig_FOUND)
        pkg_check_modules(SODIUM libsodium)
    endif()
    if(SODIUM_FOUND)
        list(APPEND CZ_PRIVATE_LIBRARIES ${SODIUM_LIBRARIES})
    endif()
endif()

# Linked statically, into the library itself: see docs/reactors.md.
set(CZ_URING_LIBRARY)
if(CZ_WITH_URING)
    find_library(CZ_URING_ARCHIVE NAMES liburing.a)
    mark_as_advanced(CZ_URING_ARCHIVE)
    if(CZ_URING_ARCHIVE)
        include(CheckCSourceCompiles)
        set(CMAKE_REQUIRED_LIBRARIES "${CZ_URING_ARCHIVE}")
        check_c_source_compiles("
            #include <liburing.h>
            int main(void)
            {
                struct io_uring ring;
                struct io_uring_params params = {
                    .flags = IORING_SETUP_DEFER_TASKRUN};
                io_uring_queue_init_params(8, &ring, &params);
                return io_uring_submit_and_get_events(&ring);
            }" CZ_URING_IS_NEW)
        unset(CMAKE_REQUIRED_LIBRARIES)
    endif()
    if(CZ_URING_ARCHIVE AND CZ_URING_IS_NEW)
        set(CZ_URING_LIBRARY "${CZ_URING_ARCHIVE}")
    endif()
endif()

# The reactors of other systems.
include(CheckSymbolExists)
check_symbol_exists(kqueue "sys/types.h;sys/time.h;sys/event.h" CZ_HAS_KQUEUE)
check_symbol_exists(DP_POLL "poll.h;sys/devpoll.h" CZ_HAS_DEVPOLL)

# cz_objects(<target> <sources>...): object files of the library proper.
function(cz_objects target)
    add_library(${target} OBJECT ${ARGN})
    cz_compile(${target})
    set_target_properties(${target} PROPERTIES
        POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
    target_include_directories(${target} PRIVATE
        "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}/include")
    if(SODIUM_FOUND)
        target_compile_definitions(${target} PRIVATE CZ_HAVE_SODIUM=1)
        target_include_directories(${target} SYSTEM PRIVATE
            ${SODIUM_INCLUDE_DIRS})
    endif()
    if(CZ_URING_LIBRARY)
        target_compile_definitions(${target} PRIVATE CZ_HAVE_URING=1)
    endif()
    target_compile_definitions(${target} PRIVATE
        $<$<NOT:$<BOOL:${CZ_WITH_EPOLL}>>:CZ_NO_EPOLL=1>
        $<$<NOT:$<BOOL:${CZ_WITH_POLL}>>:CZ_NO_POLL=1>
        $<$<NOT:$<BOOL:${CZ_WITH_SELECT}>>:CZ_NO_SELECT=1>
        $<$<BOOL:${CZ_HAS_KQUEUE}>:CZ_HAVE_KQUEUE=1>
        $<$<BOOL:${CZ_HAS_DEVPOLL}>:CZ_HAVE_DEVPOLL=1>)
endfunction()

# cz_link(<target> PUBLIC|PRIVATE): what the objects above need.
function(cz_link target visibility)
    target_link_libraries(${target} ${visibility} Threads::Threads
        ${CZ_PRIVATE_LIBRARIES})
    target_link_directories(${target} PRIVATE ${SODIUM_LIBRARY_DIRS})
endfunction()

# The plain objects, for the static libraries and the tests.
cz_objects(cz_rest ${CZ_SOURCES})
set(CZ_OBJECTS $<TARGET_OBJECTS:cz_rest>)
set(CZ_OBJECT_TARGETS cz_rest)
if(CZ_OS_SOURCES)
    cz_objects(cz_os ${CZ_OS_SOURCES})
    list(APPEND CZ_OBJECTS $<TARGET_OBJECTS:cz_os>)
    list(APPEND CZ_OBJECT_TARGETS cz_os)
endif()

# Everything visible, for tests, fuzzing and benchmarks.
add_library(cz_internal STATIC EXCLUDE_FROM_ALL ${CZ_OBJECTS})
target_include_directories(cz_internal PUBLIC
    "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}/include")
target_compile_definitions(cz_internal PUBLIC _GNU_SOURCE)
cz_link(cz_internal PUBLIC)
target_link_libraries(cz_internal PUBLIC ${CZ_URING_LIBRARY})
if(CZ_FUZZ)
    return()
endif()

# The shared library. With LTO its objects are compiled apart: tests link
# fast against the plain ones.
if(CZ_LTO)
    cz_objects(cz_lto ${CZ_SOURCES} ${CZ_OS_SOURCES})
    target_compile_options(cz_lto PRIVATE
        $<IF:$<C_COMPILER_ID:GNU>,-flto=auto;-fno-fat-lto-objects,-flto>)
    set(CZ_SHARED_OBJECTS $<TARGET_OBJECTS:cz_lto>)
else()
    set(CZ_SHARED_OBJECTS ${CZ_OBJECTS})
endif()
set(CZ_EXPORTS "${CMAKE_CURRENT_LIST_DIR}/exports.map")
add_library(libzmq SHARED ${CZ_SHARED_OBJECTS})
cz_compile(libzmq)
set_target_properties(libzmq PROPERTIES
    OUTPUT_NAME zmq LINKER_LANGUAGE C
    VERSION ${CZ_SO_FILE_VERSION} SOVERSION ${CZ_SONAME}
    LIBRARY_OUTPUT_DIRECTORY "${CZ_LIB_DIR}" LINK_DEPENDS "${CZ_EXPORTS}")
target_link_options(libzmq PRIVATE "LINKER:--version-script=${CZ_EXPORTS}"
    LINKER:-z,relro LINKER:-z,now)
if(NOT CZ_SANITIZE)
    target_link_options(libzmq PRIVATE LINKER:-z,defs)
endif()
if(CZ_LTO)
    target_link_options(libzmq PRIVATE -O2
        $<IF:$<C_COMPILER_ID:GNU>,-flto=auto,-flto> -fno-plt
        -fno-tree-slp-vectorize -fno-semantic-interposition)
endif()
cz_link(libzmq PRIVATE)
target_link_libraries(libzmq PRIVATE ${CZ_URING_LIBRARY})
target_include_directories(libzmq PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

# The static library is one relocatable object in which every hidden symbol,
# and what came with liburing, has been made local, so that no name of ours
# can meet a program's.
set(CZ_MERGED "${CMAKE_CURRENT_BINARY_DIR}/libzmq-merged.o")
add_custom_command(OUTPUT "${CZ_MERGED}"
    COMMAND ${CMAKE_LINKER} -r -o "${CZ_MERGED}" ${CZ_OBJECTS}
        ${CZ_URING_LIBRARY}
    COMMAND ${CMAKE_OBJCOPY} --localize-hidden --wildcard
        --localize-symbol=*io_uring_* "${CZ_MERGED}"
    DEPENDS ${CZ_OBJECT_TARGETS} ${CZ_OBJECTS}
    COMMENT "Merging the objects of libzmq.a" VERBATIM
    COMMAND_EXPAND_LISTS)
set_source_files_properties("${CZ_MERGED}" PROPERTIES
    EXTERNAL_OBJECT ON GENERATED ON)
add_library(libzmq-static STATIC "${CZ_MERGED}")
set_target_properties(libzmq-static PROPERTIES
    OUTPUT_NAME zmq LINKER_LANGUAGE C
    ARCHIVE_OUTPUT_DIRECTORY "${CZ_LIB_DIR}")
cz_link(libzmq-static PUBLIC)
target_include_directories(libzmq-static PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
if(CZ_SANITIZE)
    target_link_options(libzmq-static PUBLIC -fsanitize=${CZ_SANITIZE})
endif()
