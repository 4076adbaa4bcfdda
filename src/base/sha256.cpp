#include "base/sha256.h"

#include <fmt/format.h>
#include <sha256.h>
#include <sys/types.h>

#include <algorithm>
#include <memory>

namespace tenon::base {

std::optional<Sha256> sha256(const FileBytes& bytes) {
  constexpr size_t kChunk = size_t{64} << 10;
  const auto chunk = std::make_unique<std::array<uint8_t, kChunk>>();
  SHA2_CTX context;
  SHA256Init(&context);
  for (Bytes rest = bytes.view(); !rest.empty();) {
    const Bytes part = rest.first(std::min(rest.size(), kChunk));
    if (!guarded_copy(chunk->data(), part)) {
      return std::nullopt;
    }
    SHA256Update(&context, chunk->data(), part.size());
    rest = rest.subspan(part.size());
  }
  Sha256 hash{};
  SHA256Final(hash.data(), &context);
  return hash;
}

std::string to_string(const Sha256& hash) {
  std::string text;
  for (const uint8_t byte : hash) {
    text += fmt::format("{:02x}", byte);
  }
  return text;
}

}  // namespace tenon::base
