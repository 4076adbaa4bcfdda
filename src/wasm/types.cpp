#include "wasm/types.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <string_view>
#include <unordered_map>

namespace tenon::wasm {

const char* to_string(ValueType type) {
  switch (type) {
    case ValueType::i32:
      return "i32";
    case ValueType::i64:
      return "i64";
    case ValueType::f32:
      return "f32";
    case ValueType::f64:
      return "f64";
    case ValueType::v128:
      return "v128";
    case ValueType::funcref:
      return "funcref";
    case ValueType::externref:
      return "externref";
    case ValueType::bottom:
      return "any";
  }
  return "unknown type";
}

namespace {

std::string join(const std::vector<ValueType>& types) {
  std::string text;
  for (const ValueType type : types) {
    if (!text.empty()) {
      text += ", ";
    }
    text += to_string(type);
  }
  return text;
}

}  // namespace

std::string to_string(const FunctionType& type) {
  if (type.results.size() == 1) {
    return fmt::format("({}) -> {}", join(type.parameters), to_string(type.results.front()));
  }
  return fmt::format("({}) -> ({})", join(type.parameters), join(type.results));
}

const char* proposal_of_type(uint8_t byte) {
  switch (byte) {
    case 0x78:  // i8, i16: of packed fields
    case 0x77:
    case 0x73:  // nofunc, noextern, none
    case 0x72:
    case 0x71:
    case 0x6e:  // any, eq, i31, struct, array
    case 0x6d:
    case 0x6c:
    case 0x6b:
    case 0x6a:
    case 0x5f:  // struct, array, sub, sub final, rec: in the type section
    case 0x5e:
    case 0x50:
    case 0x4f:
    case 0x4e:
      return "garbage collection";
    case 0x74:  // noexn, exn
    case 0x69:
      return "exception handling with exnref";
    case 0x64:  // (ref heaptype), (ref null heaptype)
    case 0x63:
      return "typed function references";
    default:
      return nullptr;
  }
}

namespace {

// A type by what it is made of.
struct TypeParts {
  std::span<const ValueType> parameters;
  std::span<const ValueType> results;
};

TypeParts parts_of(const FunctionType& type) {
  return {type.parameters, type.results};
}

// The types that are alive, by value. An entry whose reference has expired belongs to a type whose deleter waits for
// the mutex: whoever meets it may replace it, because the deleter removes only the entry that is its own.
class InternTable {
 public:
  /// `make`: gives the type when it is not there.
  template <class Make>
  TypeReference intern(const TypeParts& parts, Make&& make) {
    const std::scoped_lock lock(mutex_);
    if (const auto found = types_.find(parts); found != types_.end()) {
      if (TypeReference alive = found->second.lock()) {
        return alive;
      }
      types_.erase(found);
    }
    TypeReference reference(new FunctionType(make()), [this](const FunctionType* dead) { release(dead); });
    types_.emplace(reference.get(), reference);
    return reference;
  }

 private:
  void release(const FunctionType* dead) {
    {
      const std::scoped_lock lock(mutex_);
      if (const auto found = types_.find(dead); found != types_.end() && found->first == dead) {
        types_.erase(found);
      }
    }
    delete dead;
  }

  struct Hash {
    using is_transparent = void;
    size_t operator()(const TypeParts& type) const {
      const auto hash = [](std::span<const ValueType> types) {
        return std::hash<std::string_view>()({reinterpret_cast<const char*>(types.data()), types.size()});
      };
      return hash(type.parameters) * 31 + hash(type.results);
    }
    size_t operator()(const FunctionType* type) const { return (*this)(parts_of(*type)); }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const TypeParts& left, const TypeParts& right) const {
      return std::ranges::equal(left.parameters, right.parameters) && std::ranges::equal(left.results, right.results);
    }
    bool operator()(const FunctionType* left, const FunctionType* right) const { return *left == *right; }
    bool operator()(const TypeParts& left, const FunctionType* right) const { return (*this)(left, parts_of(*right)); }
    bool operator()(const FunctionType* left, const TypeParts& right) const { return (*this)(parts_of(*left), right); }
  };

  std::mutex mutex_;
  std::unordered_map<const FunctionType*, std::weak_ptr<const FunctionType>, Hash, Equal> types_;
};

InternTable& intern_table() {
  // Never destroyed: a module may outlive every static object.
  static InternTable& table = *new InternTable;
  return table;
}

}  // namespace

TypeReference intern(FunctionType type) {
  return intern_table().intern(parts_of(type), [&] { return std::move(type); });
}

TypeReference intern(std::span<const ValueType> parameters, std::span<const ValueType> results) {
  return intern_table().intern({parameters, results}, [&] {
    return FunctionType{{parameters.begin(), parameters.end()}, {results.begin(), results.end()}};
  });
}

}  // namespace tenon::wasm
