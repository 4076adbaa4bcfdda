// A library of host functions: plain lambdas, whose WebAssembly types are deduced. They read the guest's memory, which
// is checked, return values or errors, and call back into the guest.
//
//   tenon-cc guest.c -o guest.wasm
//   host-functions guest.wasm DIRECTORY-OF-LIBRARIES
#include <tenon/tenon.h>

#include <cmath>
#include <cstdio>
#include <map>
#include <string>

namespace {

int fail(const tenon::Error& error) {
  std::fprintf(stderr, "%s\n", error.message.c_str());
  return 1;
}

/// What the guest can store in the host.
class Registry {
 public:
  tenon::Result<> offer_to(const tenon::Program& program) {
    auto result = program.define("registry", "set", [this](tenon::Caller& caller, uint32_t name, double value) {
      if (const auto text = caller.memory().c_string(name)) {
        values_[*text] = value;
      } else {
        caller.trap("registry.set: the name is not in memory");
      }
    });
    if (result) {
      // An error traps in the guest, with this text.
      result = program.define("registry", "get", [this](tenon::Caller& caller, uint32_t name) -> tenon::Result<double> {
        const auto text = caller.memory().c_string(name);
        const auto found = text ? values_.find(*text) : values_.end();
        if (found == values_.end()) {
          return std::unexpected(
              tenon::Error{tenon::ErrorKind::not_found, "registry.get: there is no " + text.value_or("?")});
        }
        return found->second;
      });
    }
    if (result) {
      result = program.define("registry", "each", [this](tenon::Caller& caller, uint32_t callback) -> tenon::Result<> {
        auto visit = caller.program().function_at<void(double)>(callback);
        if (!visit) {
          return std::unexpected(visit.error());
        }
        for (const auto& [name, value] : values_) {
          if (auto visited = (*visit)(value); !visited) {
            return visited;
          }
        }
        return {};
      });
    }
    return result;
  }

 private:
  std::map<std::string, double> values_;
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) {
    std::fputs("usage: host-functions GUEST LIBRARIES\n", stderr);
    return 2;
  }
  const tenon::Engine engine;
  tenon::ProgramOptions options;
  options.library_path = {arguments[2]};
  const auto program = tenon::Program::create(engine, options);
  if (!program) {
    return fail(program.error());
  }
  Registry registry;
  if (const auto offered = registry.offer_to(*program); !offered) {
    return fail(offered.error());
  }
  if (const auto defined = program->define("math", "cbrt", [](double x) { return std::cbrt(x); }); !defined) {
    return fail(defined.error());
  }
  if (const auto loaded = program->load(arguments[1]); !loaded) {
    return fail(loaded.error());
  }
  const auto code = program->run();
  return code ? *code : fail(code.error());
}
