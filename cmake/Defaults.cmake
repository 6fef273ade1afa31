# How every target of this project is compiled.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

find_program(MRD_CCACHE ccache)
if(MRD_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # CCACHE_BASEDIR and CCACHE_NOHASHDIR: without them a fresh clone in another folder misses everything.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${MRD_CCACHE})
endif()

add_library(mrd_defaults INTERFACE)
target_include_directories(mrd_defaults INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(mrd_defaults INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Wold-style-cast -Wunused-result)
option(MRD_WERROR "Warnings are errors: for the project's own presets, whose compilers are known; never for who packages it" OFF)
if(MRD_WERROR)
  target_compile_options(mrd_defaults INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 takes Asio's allocation of a coroutine's frame for a mismatch, and with -O3 a text put together by operator+ for one that overlaps,
  # two vectors' comparison for one of half the address space, and the unused side of a std::expected for one that is read.
  target_compile_options(mrd_defaults INTERFACE -Wno-mismatched-new-delete -Wno-restrict -Wno-stringop-overread -Wno-maybe-uninitialized)
endif()
# Asio's definitions are compiled once, in proto/varlink/asio.cpp, not in every file that includes it.
target_compile_definitions(mrd_defaults INTERFACE BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED)

set(MRD_SANITIZE "" CACHE STRING "Sanitizers for every target, as -fsanitize= takes them")
if(MRD_SANITIZE)
  add_compile_options(-fsanitize=${MRD_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  if(MRD_SANITIZE MATCHES undefined)
    # vptr opens a pipe to look at an object, and takes it for a bad one where a test has used up the file descriptors. Of what null and object-size find, ASan finds each
    # access; a build takes a fifth more with them.
    add_compile_options(-fno-sanitize=vptr,null,object-size)
  endif()
  add_link_options(-fsanitize=${MRD_SANITIZE})
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
endif()
