// From a module's file to an image's file.
#pragma once

#include <string>

#include "base/result.h"
#include "compiler/compile.h"

namespace tenon::compiler {

/// Reads, validates and compiles the module at `input` and writes the image to `output`, which is there as a whole or
/// not at all, whoever else writes it meanwhile. Errors: those of decode_and_validate() and compile(), and io.
[[nodiscard]] Result<> compile_file(const std::string& input, const std::string& output, const CompileOptions& options);

/// Lets LLVM end this process with a message and exit code 1, where it would call abort(). For processes that do
/// nothing but compile.
void exit_on_fatal_errors();

}  // namespace tenon::compiler
