# libmr as shared libraries: the objects of the static ones. Included where BUILD_SHARED_LIBS is set.

# The version of the binary interface, which is the soname's: what changes anything in a public header raises it. (Debian's packages have it in their names.)
set(abi 1)

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
