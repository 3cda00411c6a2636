# One way to declare a capability library, its tests, fuzz targets and benchmarks.
find_program(CCACHE ccache)
if(CCACHE)
  # The sloppiness is what ccache asks for to keep results of compilations with a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()

add_library(latchkey_options INTERFACE)
# Designated initialisers leave out members that have a default: that is what they are for here.
target_compile_options(latchkey_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast -Wnon-virtual-dtor -Wno-missing-field-initializers -Werror
  -fPIC)
# Hardening: a broken invariant ends the process, which loses nothing acknowledged (docs/decisions/0007).
target_compile_options(latchkey_options INTERFACE -fstack-protector-strong -fstack-clash-protection -fcf-protection)
target_compile_definitions(latchkey_options INTERFACE _GLIBCXX_ASSERTIONS)
if(NOT LATCHKEY_SANITIZE)
  # What tests add is compiled without optimisation: half of a build's time went there. What they test is not.
  set(is_test "$<BOOL:$<TARGET_PROPERTY:LATCHKEY_TEST>>")
  target_compile_options(latchkey_options INTERFACE -U_FORTIFY_SOURCE $<IF:${is_test},-O0,-D_FORTIFY_SOURCE=2>)
  target_link_options(latchkey_options INTERFACE -pie -Wl,-z,relro,-z,now)
endif()
target_compile_definitions(latchkey_options INTERFACE LATCHKEY_VERSION="${PROJECT_VERSION}")
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(latchkey_options INTERFACE -Wthread-safety)
else()
  # g++ 12 reports false positives of these three from inlined std::string and std::variant code.
  target_compile_options(latchkey_options INTERFACE -Wno-restrict -Wno-maybe-uninitialized -Wno-dangling-pointer)
  if(NOT CMAKE_DISABLE_PRECOMPILE_HEADERS)
    # From a precompiled header it no longer knows that such code is the system's, and reports more.
    target_compile_options(latchkey_options INTERFACE -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
  endif()
endif()
if(LATCHKEY_SANITIZE)
  target_compile_options(latchkey_options INTERFACE -fsanitize=${LATCHKEY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(latchkey_options INTERFACE -fsanitize=${LATCHKEY_SANITIZE})
endif()

# What nearly every source includes, compiled once. A source still names what it uses: the tidy preset compiles without this.
file(WRITE ${CMAKE_BINARY_DIR}/empty.cpp "")
set(common_headers <algorithm> <array> <chrono> <cstdint> <functional> <map> <memory> <optional> <span> <string> <string_view>
  <tl/expected.hpp> <unordered_map> <utility> <variant> <vector>)
add_library(latchkey_headers OBJECT ${CMAKE_BINARY_DIR}/empty.cpp)
target_precompile_headers(latchkey_headers PRIVATE ${common_headers})
target_link_libraries(latchkey_headers PRIVATE latchkey_options)

# The same for programs, with the parser of their command line.
find_package(CLI11 REQUIRED)
add_library(latchkey_program_headers OBJECT ${CMAKE_BINARY_DIR}/empty.cpp)
target_precompile_headers(latchkey_program_headers PRIVATE ${common_headers} <CLI/CLI.hpp>)
target_link_libraries(latchkey_program_headers PRIVATE latchkey_options CLI11::CLI11)

# latchkey_program(<target>): what an executable of apps/ or examples/, or the library they share, is built with.
function(latchkey_program target)
  target_precompile_headers(${target} REUSE_FROM latchkey_program_headers)
  target_link_libraries(${target} PRIVATE latchkey_options CLI11::CLI11)
endfunction()

# latchkey_library(<name> [DEPS <public targets>...] [PRIVATE_DEPS <targets>...])
# Sources: src/*.cpp. Public headers: include/. Private headers: src/. Tests: tests/*.cpp as one executable.
function(latchkey_library name)
  cmake_parse_arguments(ARG "" "" "DEPS;PRIVATE_DEPS;TEST_DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS src/*.cpp)
  string(REPLACE "-" "_" id ${name})
  if(NOT sources)  # headers only
    add_library(latchkey_${id} INTERFACE)
    add_library(latchkey::${id} ALIAS latchkey_${id})
    target_include_directories(latchkey_${id} INTERFACE include)
    target_link_libraries(latchkey_${id} INTERFACE ${ARG_DEPS})
    return()
  endif()
  add_library(latchkey_${id} STATIC ${sources})
  add_library(latchkey::${id} ALIAS latchkey_${id})
  target_include_directories(latchkey_${id} PUBLIC include PRIVATE src)
  target_link_libraries(latchkey_${id} PUBLIC ${ARG_DEPS} PRIVATE latchkey_options ${ARG_PRIVATE_DEPS})
  target_precompile_headers(latchkey_${id} REUSE_FROM latchkey_headers)
  if(LATCHKEY_TESTS)
    file(GLOB tests CONFIGURE_DEPENDS tests/*.cpp)
    if(tests)
      add_executable(latchkey_${id}_tests ${tests})
      latchkey_test_program(latchkey_${id}_tests)
      target_include_directories(latchkey_${id}_tests PRIVATE src tests ${CMAKE_SOURCE_DIR}/tests/support)
      target_compile_definitions(latchkey_${id}_tests PRIVATE
        LATCHKEY_TEST_DATA="${CMAKE_CURRENT_SOURCE_DIR}/tests/data" LATCHKEY_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
      target_link_libraries(latchkey_${id}_tests PRIVATE latchkey_${id} ${ARG_PRIVATE_DEPS} ${ARG_TEST_DEPS})
      latchkey_add_test(${name} latchkey_${id}_tests)
    endif()
  endif()
endfunction()

# What every test includes, compiled once.
if(LATCHKEY_TESTS)
  add_library(latchkey_test_headers OBJECT ${CMAKE_BINARY_DIR}/empty.cpp)
  set_target_properties(latchkey_test_headers PROPERTIES LATCHKEY_TEST ON)
  target_precompile_headers(latchkey_test_headers PRIVATE
    <gmock/gmock.h> <gtest/gtest.h> <tl/expected.hpp> <chrono> <filesystem>
    <functional> <map> <memory> <optional> <string> <variant> <vector>)
  target_link_libraries(latchkey_test_headers PRIVATE latchkey_options GTest::gmock GTest::gtest_main)
endif()

# latchkey_test_program(<target>): a target of tests; not optimised, with the headers above.
function(latchkey_test_program target)
  set_target_properties(${target} PROPERTIES LATCHKEY_TEST ON)
  target_precompile_headers(${target} REUSE_FROM latchkey_test_headers)
  target_link_libraries(${target} PRIVATE latchkey_options GTest::gmock GTest::gtest_main)
endfunction()

# latchkey_add_test(<ctest name> <gtest executable>): runs it through CTest with an XML report.
function(latchkey_add_test name target)
  add_test(NAME ${name} COMMAND ${target} --gtest_output=xml:${LATCHKEY_REPORTS}/${name}.xml)
  set_tests_properties(${name} PROPERTIES TIMEOUT 600)
endfunction()

# latchkey_bench(<name> <libraries>...): bench/<name>.cpp.
function(latchkey_bench name)
  if(LATCHKEY_BENCH)
    add_executable(bench_${name} ${name}.cpp)
    target_link_libraries(bench_${name} PRIVATE latchkey_options benchmark::benchmark ${ARGN})
  endif()
endfunction()

# latchkey_fuzz(<name> <libraries>...): fuzz/<name>.cpp with the corpus in fuzz/corpus/<name>; part of the target fuzz_targets.
function(latchkey_fuzz name)
  if(LATCHKEY_FUZZ)
    add_executable(fuzz_${name} ${name}.cpp)
    add_dependencies(fuzz_targets fuzz_${name})
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    target_link_libraries(fuzz_${name} PRIVATE latchkey_options ${ARGN})
  endif()
endfunction()
