# What the public headers declare is exported from shared libraries, and what mr::verify needs of mr::client besides. All else is hidden: the codec, Boost and the standard library, which a
# program may have in another version. So every source of libmr begins with all public headers, and names nothing of its own as they do: sources that are compiled together (cmake/Together.cmake)
# begin so too, since CI builds no shared libraries.
set(inner_headers libmr/src/event_log/printable.h)
set(exported "// Made by libmr/exported.cmake; every source of libmr begins with it.\n#pragma GCC visibility push(default)\n")
foreach(header IN LISTS client_headers verify_headers inner_headers)
  string(REGEX REPLACE "^include/" "" header ${header})
  string(APPEND exported "#include \"${header}\"\n")
endforeach()
file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/exported.h CONTENT "${exported}#pragma GCC visibility pop\n" @ONLY)
foreach(library mr_client mr)
  target_compile_options(${library} PRIVATE "SHELL:-include \"${CMAKE_CURRENT_BINARY_DIR}/exported.h\"")
endforeach()
