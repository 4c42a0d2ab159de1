# How every room is compiled: C++23, warnings are errors, ccache and mold where they are.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

option(CAPSTAN_TESTS "build the tests" ON)
option(CAPSTAN_BENCH "build the benchmarks" OFF)
option(CAPSTAN_FUZZ "build the fuzzers (clang)" OFF)
set(CAPSTAN_SANITIZE "" CACHE STRING "comma list for -fsanitize")

find_program(CCACHE ccache)
if(CCACHE)
  # A precompiled header is only cacheable when its times and defines are left out of the comparison.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} ${CCACHE})
endif()

add_library(capstan_compiler INTERFACE)
# -pthread everywhere, because some libraries ask for it and a precompiled header fits only its own flags.
target_compile_options(capstan_compiler INTERFACE -pthread -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # clang 19 reports std::stable_sort's own use of get_temporary_buffer in the headers of GCC 12.
  target_compile_options(capstan_compiler INTERFACE -Wno-deprecated-declarations)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(capstan_compiler INTERFACE -fpch-preprocess)
  # GCC 12 reports these falsely inside libstdc++ once strings are inlined (gcc.gnu.org PR105329, PR105651).
  target_compile_options(capstan_compiler INTERFACE -Wno-restrict -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-array-bounds -Wno-stringop-overread)
endif()
# Assertions stay on in what is shipped (no NDEBUG); line tables are enough to read a stack.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")
if(CAPSTAN_SANITIZE)
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1")
endif()
if(CAPSTAN_FUZZ)
  # The fuzzers follow the coverage of the rooms, not only of their own file.
  target_compile_options(capstan_compiler INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(CAPSTAN_SANITIZE)
  target_compile_options(capstan_compiler INTERFACE -fsanitize=${CAPSTAN_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(capstan_compiler INTERFACE -fsanitize=${CAPSTAN_SANITIZE})
endif()
find_program(MOLD mold)
if(MOLD)
  target_link_options(capstan_compiler INTERFACE -fuse-ld=mold)
endif()

# The standard headers that most rooms use, compiled once and shared by all.
file(WRITE ${CMAKE_BINARY_DIR}/capstan_pch.cpp "")
add_library(capstan_pch STATIC ${CMAKE_BINARY_DIR}/capstan_pch.cpp)
target_link_libraries(capstan_pch PRIVATE capstan_compiler)
target_precompile_headers(capstan_pch PRIVATE
  <algorithm> <array> <atomic> <chrono> <compare> <cstddef> <cstdint> <cstring> <deque> <expected> <functional>
  <map> <memory> <mutex> <optional> <set> <span> <stop_token> <string> <string_view> <thread> <tuple>
  <unordered_map> <utility> <variant> <vector>)
