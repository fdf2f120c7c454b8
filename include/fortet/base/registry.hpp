#pragma once
/// Registry of the kinds of one category: each kind registers its schema and its factory at the end of its own .cpp:
///
///     const Registered<LawFactory> registered_gaussian{
///         schema, [](const Parameters& p, const LawContext& c) -> LawPtr {...}};
///
/// fortet is a shared library, so these objects are constructed when it is loaded.
#include <map>
#include <string>
#include <utility>

#include "fortet/base/error.hpp"
#include "fortet/base/schema.hpp"

namespace fortet {

template <class Factory>
class Registry {
 public:
  static Registry& instance() {
    static Registry registry;
    return registry;
  }
  void add(const std::string& kind, Factory factory) { factories_[kind] = std::move(factory); }
  bool contains(const std::string& kind) const { return factories_.contains(kind); }
  const Factory& find(const std::string& category, const std::string& kind) const {
    const auto found = factories_.find(kind);
    if (found == factories_.end()) {
      throw UsageError("unknown kind '" + kind + "' of " + category);
    }
    return found->second;
  }

 private:
  std::map<std::string, Factory> factories_;
};

template <class Factory>
struct Registered {
  Registered(Schema schema, Factory factory) {
    Registry<Factory>::instance().add(schema.kind, std::move(factory));
    SchemaCatalogue::instance().add(std::move(schema));
  }
};

}  // namespace fortet
