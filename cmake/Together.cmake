# Most of what compiling a source takes is its headers (nlohmann_json, Asio, GoogleTest): the sources of a folder compiled together read them once. That makes a build two to three
# times as fast, which CI needs, and hides an #include that a source forgot: so what is shipped is never built so, and neither is what one works with, where one changed source is
# compiled again alone.
set(MRD_TOGETHER "" CACHE STRING "Compile the sources of a folder together: \"\" (none), \"tests\", \"all\"")
set_property(CACHE MRD_TOGETHER PROPERTY STRINGS "" tests all)
if(NOT MRD_TOGETHER MATCHES "^(tests|all)?$")
  message(FATAL_ERROR "MRD_TOGETHER=${MRD_TOGETHER} is not known: give \"\" (none), \"tests\" or \"all\"")
endif()

# At most so many sources are compiled together: more would leave a processor idle at a build's end.
set(mrd_most_together 10)

# They are included by their whole paths. So __FILE__, which each test has in it, would be another in each clone, and the compiler's cache of one of no use in another; and g++ would
# take what stands in a source's unnamed namespace for a header's, and warn of each class that has such a member. That a name in one source hides one of another is no error either.
set(mrd_together_options -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/= $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
if(MRD_WERROR AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND mrd_together_options -Wno-error=shadow)
endif()

# mrd_compile_together(FOLDER): for the targets of a folder and of those below. By folder, so that what has to be unique (a name in an unnamed namespace) has to be so in one room,
# whatever is added elsewhere.
function(mrd_compile_together folder)
  get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    if(NOT type MATCHES "^(EXECUTABLE|STATIC_LIBRARY|SHARED_LIBRARY|OBJECT_LIBRARY)$")
      continue()
    endif()
    get_target_property(sources ${target} SOURCES)
    set(groups "")
    foreach(source IN LISTS sources)
      get_filename_component(source ${source} ABSOLUTE BASE_DIR ${folder})
      file(RELATIVE_PATH room ${PROJECT_SOURCE_DIR} ${source})
      get_filename_component(room ${room} DIRECTORY)
      string(MAKE_C_IDENTIFIER ${room} room)
      list(APPEND groups ${room})
      set(count 0)
      foreach(group IN LISTS groups)
        if(group STREQUAL room)
          math(EXPR count "${count} + 1")
        endif()
      endforeach()
      math(EXPR batch "(${count} - 1) / ${mrd_most_together}")
      set_property(SOURCE ${source} TARGET_DIRECTORY ${target} PROPERTY UNITY_GROUP ${room}_${batch})
    endforeach()
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
    target_compile_options(${target} PRIVATE ${mrd_together_options})
  endforeach()
  get_property(below DIRECTORY ${folder} PROPERTY SUBDIRECTORIES)
  foreach(subfolder IN LISTS below)
    mrd_compile_together(${subfolder})
  endforeach()
endfunction()
