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
target_link_options(kernelscope_tests PRIVATE ${CORE_LINK_OPTIONS} -sNODERAWFS=1 -sENVIRONMENT=node -lnodefs.js)
