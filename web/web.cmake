# What only the WebAssembly build has: the core in a Worker, the app, the site in dist/.
set(NODE_MODULES ${CMAKE_SOURCE_DIR}/node_modules CACHE PATH "npm packages: onnxruntime-web")
file(READ ${NODE_MODULES}/onnxruntime-web/package.json ORT_WEB_PACKAGE)
string(JSON ORT_WEB_VERSION GET ${ORT_WEB_PACKAGE} version)
set_source_files_properties(src/runtime/web.cpp PROPERTIES COMPILE_DEFINITIONS
                            KERNELSCOPE_ORT_WEB_VERSION="${ORT_WEB_VERSION}")

# A WebGPU run leaves a promise, for which the core is suspended: every module with a Session needs Asyncify.
set(CORE_LINK_OPTIONS
    -sASYNCIFY -sASYNCIFY_STACK_SIZE=1048576 -sALLOW_MEMORY_GROWTH=1 -sMAXIMUM_MEMORY=4GB -sMODULARIZE=1 -sEXPORT_ES6=1
    -sEXPORTED_RUNTIME_METHODS=ccall -sSTACK_SIZE_OPTION -O2)
if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS 16)
  list(TRANSFORM CORE_LINK_OPTIONS REPLACE "-sSTACK_SIZE_OPTION" "-sTOTAL_STACK=4MB")
else()
  list(TRANSFORM CORE_LINK_OPTIONS REPLACE "-sSTACK_SIZE_OPTION" "-sSTACK_SIZE=4MB")
endif()

# The unit tests, run by tests/web/core.mjs under Node.js with files of the machine.
set_target_properties(kernelscope_tests PROPERTIES SUFFIX .mjs)
# Linked with -O1: optimising them takes longer than it saves.
string(REPLACE "-O2" "-O1" TEST_LINK_OPTIONS "${CORE_LINK_OPTIONS}")
target_link_options(kernelscope_tests PRIVATE ${TEST_LINK_OPTIONS} -sNODERAWFS=1 -sENVIRONMENT=node -lnodefs.js)

# The core of the page's Worker.
add_executable(core src/worker/main.cpp)
set_target_properties(core PROPERTIES SUFFIX .mjs)
target_link_libraries(core PRIVATE kernelscope_core)
target_link_options(core PRIVATE ${CORE_LINK_OPTIONS} -sENVIRONMENT=worker)

include(${CMAKE_SOURCE_DIR}/src/app/app.cmake OPTIONAL)

# The site: everything a web server needs, in dist/.
set(SITE ${CMAKE_SOURCE_DIR}/dist)
file(GLOB SITE_FILES CONFIGURE_DEPENDS web/*.html web/*.js web/*.svg web/*.webmanifest web/*.css)
file(GLOB SITE_STUDIES CONFIGURE_DEPENDS web/studies/*.json)
file(GLOB SITE_MODELS CONFIGURE_DEPENDS models/*.onnx models/*.json)
file(GLOB SITE_SHADERS CONFIGURE_DEPENDS shaders/*)
set(ORT_DIST ${NODE_MODULES}/onnxruntime-web/dist)
set(SITE_ORT ${ORT_DIST}/ort-wasm-simd-threaded.mjs ${ORT_DIST}/ort-wasm-simd-threaded.wasm
             ${ORT_DIST}/ort-wasm-simd-threaded.asyncify.mjs ${ORT_DIST}/ort-wasm-simd-threaded.asyncify.wasm)
set(COPY ${CMAKE_COMMAND} -E copy_if_different)
add_custom_target(site ALL
  COMMAND ${CMAKE_COMMAND} -E make_directory ${SITE}/ort ${SITE}/models ${SITE}/studies ${SITE}/shaders
  COMMAND ${COPY} ${SITE_FILES} ${CMAKE_BINARY_DIR}/core.mjs ${CMAKE_BINARY_DIR}/core.wasm ${SITE}
  COMMAND ${COPY} ${SITE_ORT} ${SITE}/ort
  COMMAND_EXPAND_LISTS VERBATIM)
add_dependencies(site core)
foreach(pair "models|${SITE_MODELS}" "studies|${SITE_STUDIES}" "shaders|${SITE_SHADERS}")
  string(REGEX REPLACE "^([a-z]+)\\|(.*)$" "\\1" folder "${pair}")
  string(REGEX REPLACE "^([a-z]+)\\|(.*)$" "\\2" files "${pair}")
  if(files)
    add_custom_command(TARGET site POST_BUILD COMMAND ${COPY} ${files} ${SITE}/${folder} COMMAND_EXPAND_LISTS VERBATIM)
  endif()
endforeach()
if(TARGET kernelscope_app)
  add_dependencies(site kernelscope_app)
endif()
