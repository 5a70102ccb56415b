# SPDX-License-Identifier: MPL-2.0
#
# Programs on top of the shared library: the cero tool, the benchmarks
# (target bench-build, not built by default) and the examples (with the
# tests). Each finds the library beside itself, or wherever
# LD_LIBRARY_PATH points: a RUNPATH, not an RPATH.

set(CZ_RUNPATH "\$ORIGIN/../lib")
if(NOT CMAKE_INSTALL_LIBDIR STREQUAL "lib")
    list(APPEND CZ_RUNPATH "\$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
endif()

# cz_program(<target> <directory below build/> <sources>...)
function(cz_program target directory)
    add_executable(${target} ${ARGN})
    cz_compile(${target})
    target_link_libraries(${target} PRIVATE libzmq Threads::Threads)
    target_link_options(${target} PRIVATE LINKER:--enable-new-dtags)
    set_target_properties(${target} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/${directory}"
        BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH "${CZ_RUNPATH}")
endfunction()

# `cero top` needs ncurses, and is left out where that is not found.
file(GLOB cero_sources CONFIGURE_DEPENDS tools/cero/*.c)
find_package(PkgConfig)
if(CZ_WITH_NCURSES AND PkgConfig_FOUND)
    pkg_check_modules(NCURSES ncursesw)
endif()
if(NOT NCURSES_FOUND)
    list(FILTER cero_sources EXCLUDE REGEX "/(top|rates)\\.c$")
endif()
if(cero_sources)
    cz_program(cero bin ${cero_sources})
    target_include_directories(cero PRIVATE tools/cero)
    if(NCURSES_FOUND)
        target_compile_definitions(cero PRIVATE CERO_HAS_TOP=1)
        target_include_directories(cero SYSTEM PRIVATE ${NCURSES_INCLUDE_DIRS})
        target_link_libraries(cero PRIVATE ${NCURSES_LINK_LIBRARIES})
    endif()
endif()

file(GLOB bench_sources CONFIGURE_DEPENDS bench/*.c)
file(GLOB bench_helpers CONFIGURE_DEPENDS bench/lib/*.c)
add_custom_target(bench-build)
if(bench_helpers)
    add_library(cz_bench_helpers STATIC EXCLUDE_FROM_ALL ${bench_helpers})
    cz_compile(cz_bench_helpers)
    target_include_directories(cz_bench_helpers PUBLIC bench include)
endif()
foreach(source IN LISTS bench_sources)
    file(STRINGS "${source}" has_main REGEX "^(int )?main ?\\(" LIMIT_COUNT 1)
    if(has_main)
        get_filename_component(name "${source}" NAME_WE)
        cz_program(bench_${name} bench "${source}")
        set_target_properties(bench_${name} PROPERTIES
            OUTPUT_NAME ${name} EXCLUDE_FROM_ALL ON)
        target_include_directories(bench_${name} PRIVATE bench)
        target_link_libraries(bench_${name} PRIVATE m)
        if(bench_helpers)
            target_link_libraries(bench_${name} PRIVATE cz_bench_helpers)
        endif()
        add_dependencies(bench-build bench_${name})
    endif()
endforeach()

# cz_example(<name> <directory below build/> <source>): CZ_EXAMPLES are the
# names, and each is the target example.<name>.
function(cz_example name directory source)
    get_filename_component(file "${source}" NAME_WE)
    cz_program(example.${name} ${directory} "${source}")
    set_target_properties(example.${name} PROPERTIES OUTPUT_NAME ${file})
    set(CZ_EXAMPLES ${CZ_EXAMPLES} ${name} PARENT_SCOPE)
endfunction()

set(CZ_EXAMPLES)
if(CZ_BUILD_TESTS)
    file(GLOB example_sources CONFIGURE_DEPENDS examples/*.c)
    foreach(source IN LISTS example_sources)
        get_filename_component(name "${source}" NAME_WE)
        cz_example(${name} examples "${source}")
    endforeach()
    # Programs for ZeroMQ 2.1, as they are: docs/classic.md.
    file(GLOB classic_sources CONFIGURE_DEPENDS examples/classic/*.c)
    foreach(source IN LISTS classic_sources)
        get_filename_component(name "${source}" NAME_WE)
        cz_example(classic.${name} classic "${source}")
        target_compile_options(example.classic.${name} PRIVATE
            "SHELL:-include zmq_compat2.h")
    endforeach()
endif()
