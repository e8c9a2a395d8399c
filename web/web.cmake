# What only the WebAssembly build has: the core in a Worker, the app, the site in dist/.
