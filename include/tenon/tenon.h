// Tenon, a WebAssembly runtime made around dynamic linking: all of its C++ interface.
//
//   const tenon::Engine engine;
//   auto program = tenon::Program::create(engine, {.wasi = tenon::WasiOptions{.arguments = {"app"}}});
//   if (auto loaded = program->load("app.wasm"); !loaded) { ... loaded.error().message ... }
//   tenon::Result<int> code = program->run();
#pragma once

#include "tenon/engine.h"    // IWYU pragma: export
#include "tenon/function.h"  // IWYU pragma: export
#include "tenon/memory.h"    // IWYU pragma: export
#include "tenon/program.h"   // IWYU pragma: export
#include "tenon/result.h"    // IWYU pragma: export
#include "tenon/types.h"     // IWYU pragma: export
