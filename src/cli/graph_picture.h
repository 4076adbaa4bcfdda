// `tenon graph`: a program and its libraries as a picture.
#pragma once

#include <string>

#include "cli/survey.h"

namespace tenon::cli {

/// An SVG picture. `file` is what it is a picture of.
[[nodiscard]] std::string draw_graph(const Survey& survey, const std::string& file);

}  // namespace tenon::cli
