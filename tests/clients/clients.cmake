# SPDX-License-Identifier: MPL-2.0
#
# Real programs on the library: what bindings and applications of others do
# with it. Each runs on ours, and on the system's to show that it is the
# program that is right. What is not installed is left out
# (scripts/setup.sh clients installs it); a Python test skips itself.

# cz_register_client(<name> <source> COMMAND...)
function(cz_register_client name source)
    cmake_parse_arguments(arg "" "" "COMMAND" ${ARGN})
    cz_register(clients.${name} clients "${source}" COMMAND ${arg_COMMAND}
        ENV "LD_LIBRARY_PATH=${CZ_LIB_DIR}" "CZ_CLIENT_LIB=${CZ_LIB_DIR}"
            "PYTHONDONTWRITEBYTECODE=1")
    if(CZ_SYSTEM_ZMQ AND NOT CZ_SANITIZE)
        cz_register(clients-system.${name} clients-system "${source}"
            COMMAND ${arg_COMMAND}
            ENV "LD_LIBRARY_PATH=${CZ_SYSTEM_DIR}"
                "CZ_CLIENT_LIB=${CZ_SYSTEM_DIR}" "PYTHONDONTWRITEBYTECODE=1")
    endif()
endfunction()

# cz_client_program(<name> <source> <libraries>...): bound lazily, since the
# system's library may lack what a test then skips.
function(cz_client_program name source)
    cz_test_program(clients.${name} "${source}" libzmq ${ARGN})
    target_compile_options(clients.${name} PRIVATE -fplt)
    cz_register_client(${name} "${source}" COMMAND clients.${name})
endfunction()

# czmq itself is not instrumented, so ThreadSanitizer cannot follow it.
pkg_check_modules(CZMQ IMPORTED_TARGET libczmq)
if(CZMQ_FOUND AND NOT CZ_SANITIZE MATCHES "thread")
    cz_client_program(czmq "${CMAKE_CURRENT_LIST_DIR}/czmq_test.c"
        PkgConfig::CZMQ)
endif()

include(CheckLanguage)
check_language(CXX)
find_path(CZ_CPPZMQ zmq_addon.hpp)
if(CMAKE_CXX_COMPILER AND CZ_CPPZMQ)
    enable_language(CXX)
    cz_client_program(cppzmq "${CMAKE_CURRENT_LIST_DIR}/cppzmq_test.cpp")
    set_target_properties(clients.cppzmq PROPERTIES
        CXX_STANDARD 17 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
endif()

# Debian's modules belong to Debian's interpreter.
find_program(CZ_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH)
if(CZ_PYTHON AND NOT CZ_SANITIZE)
    file(GLOB client_scripts CONFIGURE_DEPENDS
        "${CMAKE_CURRENT_LIST_DIR}/*_test.py")
    foreach(source IN LISTS client_scripts)
        cz_test_name(name clients "${source}")
        cz_register_client(${name} "${source}"
            COMMAND "${CZ_PYTHON}" "${source}")
    endforeach()
endif()
