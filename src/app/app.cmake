# The Dear ImGui program: a WebAssembly module of its own (app.mjs, app.wasm), small, on the page's main thread.
set(SITE_DIR ${CMAKE_SOURCE_DIR}/dist CACHE PATH "Where the finished site goes")

add_library(imgui STATIC
  ${IMGUI_DIR}/imgui.cpp ${IMGUI_DIR}/imgui_draw.cpp ${IMGUI_DIR}/imgui_tables.cpp ${IMGUI_DIR}/imgui_widgets.cpp
  ${IMGUI_DIR}/imgui_demo.cpp ${IMGUI_DIR}/backends/imgui_impl_opengl3.cpp)
target_include_directories(imgui SYSTEM PUBLIC ${IMGUI_DIR} ${IMGUI_DIR}/backends)
target_compile_definitions(imgui PUBLIC
  IMGUI_DISABLE_DEMO_WINDOWS IMGUI_DISABLE_DEBUG_TOOLS IMGUI_DISABLE_OBSOLETE_FUNCTIONS IMGUI_DISABLE_FILE_FUNCTIONS
  IMGUI_DISABLE_DEFAULT_FONT IMGUI_IMPL_OPENGL_ES3)
target_compile_options(imgui PRIVATE -Os)
set_target_properties(imgui PROPERTIES UNITY_BUILD OFF)

# Shaders are files of shaders/; the program carries their text.
set(shader_header "#pragma once\n// Made by CMake from shaders/.\nnamespace ks::shaders {\n")
foreach(name heatmap.vert heatmap.frag)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/shaders/${name})
  file(READ ${CMAKE_SOURCE_DIR}/shaders/${name} text)
  string(REPLACE "." "_" identifier ${name})
  string(APPEND shader_header "inline constexpr char ${identifier}[] = R\"GLSL(${text})GLSL\";\n")
endforeach()
string(APPEND shader_header "}  // namespace ks::shaders\n")
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/app/shaders.h CONTENT "${shader_header}" @ONLY)

file(GLOB APP_SOURCES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/app/*.cpp)
add_executable(kernelscope_app ${APP_SOURCES})
target_include_directories(kernelscope_app PRIVATE ${CMAKE_BINARY_DIR}/generated)
target_compile_options(kernelscope_app PRIVATE -Os -Wall -Wextra -Wno-missing-field-initializers)
target_link_libraries(kernelscope_app PRIVATE kernelscope_core imgui)
set_target_properties(kernelscope_app PROPERTIES OUTPUT_NAME app SUFFIX .mjs RUNTIME_OUTPUT_DIRECTORY ${SITE_DIR})
target_link_options(kernelscope_app PRIVATE
  -Os -sMODULARIZE -sEXPORT_ES6 -sEXPORT_NAME=createApp -sENVIRONMENT=web -sFILESYSTEM=0 -sALLOW_MEMORY_GROWTH
  -sMIN_WEBGL_VERSION=2 -sMAX_WEBGL_VERSION=2
  -sEXPORTED_FUNCTIONS=_malloc,_free -sEXPORTED_RUNTIME_METHODS=UTF8ToString,stringToUTF8,lengthBytesUTF8,HEAPU8)

add_custom_command(TARGET kernelscope_app POST_BUILD
  COMMAND ${CMAKE_COMMAND} -E make_directory ${SITE_DIR}/fonts
  COMMAND ${CMAKE_COMMAND} -E copy_if_different ${FONTS_DIR}/Inter-Regular.otf ${FONTS_DIR}/Inter-SemiBold.otf
          ${FONTS_DIR}/JetBrainsMono-Regular.ttf ${SITE_DIR}/fonts)
