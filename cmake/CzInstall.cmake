# SPDX-License-Identifier: MPL-2.0
#
# What `cmake --install` puts where, and how other builds find it: by
# pkg-config as libzmq, by find_package as ZeroMQ. Both work out where they
# are from where they lie, so that an installed tree may be moved.
include(CMakePackageConfigHelpers)

set(CZ_CMAKE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/ZeroMQ")
set(CZ_PC_DIR "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

install(TARGETS libzmq libzmq-static EXPORT ZeroMQTargets
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(FILES include/zmq.h include/zmq_utils.h include/zmq_compat2.h
    include/ceromq.h
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
if(TARGET cero)
    install(TARGETS cero RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()

# From the .pc file's folder back up to the prefix.
string(REGEX REPLACE "[^/]+" ".." up "${CZ_PC_DIR}")
set(CZ_PC_PREFIX "\${pcfiledir}/${up}")
set(CZ_PC_PRIVATE)
foreach(library IN LISTS CZ_PRIVATE_LIBRARIES)
    string(APPEND CZ_PC_PRIVATE " -l${library}")
endforeach()
configure_file("${CMAKE_CURRENT_LIST_DIR}/libzmq.pc.in"
    "${CMAKE_CURRENT_BINARY_DIR}/libzmq.pc" @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/libzmq.pc"
    DESTINATION "${CZ_PC_DIR}")

install(EXPORT ZeroMQTargets DESTINATION "${CZ_CMAKE_DIR}")
configure_package_config_file(
    "${CMAKE_CURRENT_LIST_DIR}/ZeroMQConfig.cmake.in"
    "${CMAKE_CURRENT_BINARY_DIR}/ZeroMQConfig.cmake"
    INSTALL_DESTINATION "${CZ_CMAKE_DIR}"
    PATH_VARS CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(
    "${CMAKE_CURRENT_BINARY_DIR}/ZeroMQConfigVersion.cmake"
    VERSION ${CZ_API_VERSION} COMPATIBILITY SameMajorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/ZeroMQConfig.cmake"
    "${CMAKE_CURRENT_BINARY_DIR}/ZeroMQConfigVersion.cmake"
    DESTINATION "${CZ_CMAKE_DIR}")
