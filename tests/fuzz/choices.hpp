#pragma once
/// Bytes of a fuzzer as a sequence of decisions, for targets that build a valid file out of them.
#include <cstdint>
#include <cstring>
#include <string>

namespace fortet::fuzz {

class Choices {
 public:
  Choices(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}
  /// A number below `count`; 0 when the bytes are used up.
  unsigned below(unsigned count) { return next() % count; }
  bool flag() { return below(2) == 1; }
  template <class Value>
  Value value() {
    std::uint8_t bytes[sizeof(Value)];
    for (std::uint8_t& byte : bytes) byte = next();
    Value result;
    std::memcpy(&result, bytes, sizeof result);
    return result;
  }
  std::string word(unsigned longest) {
    std::string text(below(longest + 1), ' ');
    for (char& letter : text) letter = static_cast<char>(next());
    return text;
  }

 private:
  std::uint8_t next() {
    if (left_ == 0) return 0;
    --left_;
    return *data_++;
  }
  const std::uint8_t* data_;
  std::size_t left_;
};

}  // namespace fortet::fuzz
