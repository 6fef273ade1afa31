# libmr as shared libraries: the objects of the static ones. Included where BUILD_SHARED_LIBS is set.

# The version of the binary interface, which is the soname's: what changes anything in a public header raises it. (Debian's packages have it in their names.)
set(abi 1)

# What the public headers declare is exported, and what mr::verify needs of mr::client besides. All else is hidden: the codec, Boost and the standard library, which a
# program may have in another version.
set(inner_headers src/event_log/printable.h)
set(exported "// Made by libmr/shared.cmake; every source of libmr begins with it.\n#pragma GCC visibility push(default)\n")
foreach(header IN LISTS client_headers verify_headers inner_headers)
  string(APPEND exported "#include \"${CMAKE_CURRENT_SOURCE_DIR}/${header}\"\n")
endforeach()
file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/exported.h CONTENT "${exported}#pragma GCC visibility pop\n" @ONLY)
foreach(library mr_client mr)
  target_compile_options(${library} PRIVATE -include ${CMAKE_CURRENT_BINARY_DIR}/exported.h)
endforeach()

add_library(mr_client_shared SHARED $<TARGET_OBJECTS:mr_client>)
add_library(mr_shared SHARED $<TARGET_OBJECTS:mr>)
target_link_libraries(mr_client_shared PRIVATE $<BUILD_INTERFACE:varlink> $<BUILD_INTERFACE:mrd_defaults>)
target_link_libraries(mr_shared PUBLIC mr_client_shared PRIVATE $<BUILD_INTERFACE:varlink> $<BUILD_INTERFACE:mrd_defaults> $<BUILD_INTERFACE:OpenSSL::Crypto>)
set_target_properties(mr_client_shared PROPERTIES OUTPUT_NAME mr)
set_target_properties(mr_shared PROPERTIES OUTPUT_NAME mr-verify)
foreach(library mr_client_shared mr_shared)
  set_target_properties(${library} PROPERTIES LINKER_LANGUAGE CXX VERSION ${abi}.${PROJECT_VERSION} SOVERSION ${abi} LINK_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/exported.map)
  target_link_options(${library} PRIVATE -Wl,--version-script,${CMAKE_CURRENT_SOURCE_DIR}/exported.map -Wl,--no-undefined)
endforeach()
