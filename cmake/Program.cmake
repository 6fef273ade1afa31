# A shipped program starts in a few milliseconds, and loading shared C++ libraries would be a good part of them: in release builds the C++
# runtime is linked in. libcrypto stays shared, so that its security updates reach mrd.
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT MRD_SANITIZE)
  set(static_runtime_default ON)
else()
  set(static_runtime_default OFF)
endif()
option(MRD_STATIC_RUNTIME "Link libstdc++ and libgcc into mrd and mrctl" ${static_runtime_default})

function(mrd_program target)
  if(MRD_STATIC_RUNTIME)
    target_link_options(${target} PRIVATE -static-libstdc++ -static-libgcc -Wl,--as-needed -Wl,--gc-sections)
  endif()
endfunction()
