#pragma once

#include <string>
#include <vector>

std::vector<std::string> split(const std::string& text);
void fail(const std::string& text);
