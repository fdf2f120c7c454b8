#include <charconv>
#include <numbers>

#include "expression_node.hpp"
#include "fortet/base/schema.hpp"

namespace fortet {

namespace {
constexpr int deepest = 200;            // nested parentheses, calls and signs
constexpr std::size_t longest = 10000;  // characters: bounds the depth of the tree

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Parser {
 public:
  Parser(std::string_view text, const std::vector<std::string>& coordinates,
         const std::map<std::string, double>& constants)
      : text_(text), coordinates_(coordinates), constants_(constants) {
    for (const auto& [name, value] : constants) {
      const bool is_coordinate = coordinate_of(name) >= 0;
      if (is_coordinate || name == "t") {
        throw ExpressionError(
            1, "the parameter '" + name + "' has the name of " + (is_coordinate ? "a coordinate" : "the time"));
      }
    }
  }

  NodePtr parse() {
    if (text_.size() > longest) fail(fmt::format("the formula has {} characters, more than {}", text_.size(), longest));
    skip_blanks();
    if (at_ == text_.size()) fail("expected a formula, found nothing");
    NodePtr result = comparison();
    if (at_ < text_.size()) {
      if (text_.substr(at_, 2) == "**") fail("expected an operator, found '**'; a power is written x^2");
      if (is_letter(text_[at_]) || text_[at_] == '(' || is_digit(text_[at_])) {
        fail("expected an operator or the end; a product is written with *");
      }
      fail(fmt::format("expected an operator or the end, found {}", character()));
    }
    return result;
  }

 private:
  /// The character here, of one or several bytes of UTF-8, and how what it means is written.
  std::string character() const {
    std::size_t length = 1;
    while (at_ + length < text_.size() && (text_[at_ + length] & 0xC0) == 0x80) ++length;
    const std::string found(text_.substr(at_, length));
    static const std::map<std::string, std::string> written{{"²", "a power is written ^2"},
                                                            {"³", "a power is written ^3"},
                                                            {"·", "a product is written with *"},
                                                            {"×", "a product is written with *"},
                                                            {"−", "a minus is written -"},
                                                            {"–", "a minus is written -"},
                                                            {"π", "write pi"},
                                                            {"√", "a root is written sqrt(..)"},
                                                            {"\u00A0", "a blank that does not break"}};
    const auto known = written.find(found);
    return fmt::format("'{}'{}", found, known == written.end() ? "" : "; " + known->second);
  }
  [[noreturn]] void fail(const std::string& message) const { fail_at(at_, message); }
  [[noreturn]] static void fail_at(std::size_t position, const std::string& message) {
    throw ExpressionError(static_cast<int>(position) + 1, message);
  }
  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }
  bool take(std::string_view symbol) {
    if (text_.substr(at_, symbol.size()) != symbol) return false;
    at_ += symbol.size();
    skip_blanks();
    return true;
  }

  struct Level {
    explicit Level(Parser& parser) : parser_(parser) {
      if (++parser.depth_ > deepest)
        parser.fail(fmt::format("the formula is nested more than {} levels deep", deepest));
    }
    ~Level() { --parser_.depth_; }
    Parser& parser_;
  };

  NodePtr comparison() {
    const Level level(*this);
    NodePtr left = sum();
    for (;;) {
      if (take("<="))
        left = make_node(Operation::less_equal, {left, sum()});
      else if (take(">="))
        left = make_node(Operation::greater_equal, {left, sum()});
      else if (take("<"))
        left = make_node(Operation::less, {left, sum()});
      else if (take(">"))
        left = make_node(Operation::greater, {left, sum()});
      else
        return left;
    }
  }
  NodePtr sum() {
    NodePtr left = product();
    for (;;) {
      if (take("+"))
        left = left + product();
      else if (take("-"))
        left = left - product();
      else
        return left;
    }
  }
  NodePtr product() {
    NodePtr left = signed_factor();
    for (;;) {
      if (text_.substr(at_, 2) == "**") fail("a power is written x^2, not x**2");
      if (take("*"))
        left = left * signed_factor();
      else if (take("/"))
        left = left / signed_factor();
      else
        return left;
    }
  }
  NodePtr signed_factor() {
    const Level level(*this);
    if (take("-")) return -signed_factor();
    if (take("+")) return signed_factor();
    NodePtr base = primary();
    if (take("^")) return make_node(Operation::power, {base, signed_factor()});  // right associative
    return base;
  }

  NodePtr primary() {
    if (at_ == text_.size()) fail("expected a number, a name or '(', found the end");
    const char c = text_[at_];
    if (is_digit(c) || c == '.') return number();
    if (is_letter(c)) return name();
    if (take("(")) {
      NodePtr inside = comparison();
      if (!take(")")) fail("expected ')'");
      return inside;
    }
    fail(fmt::format("expected a number, a name or '(', found {}", character()));
  }

  NodePtr number() {
    double value = 0;
    const char* begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error == std::errc::result_out_of_range) fail("the number is too large or too small for double precision");
    if (error != std::errc{}) fail("expected a number");
    at_ += end - begin;
    if (at_ < text_.size() && text_[at_] == '.') fail("expected an operator, found a second '.' in a number");
    skip_blanks();
    return make_constant(value);
  }

  NodePtr name() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]))) ++at_;
    const std::string word(text_.substr(begin, at_ - begin));
    skip_blanks();
    if (at_ < text_.size() && text_[at_] == '(') return call(word, begin);
    const auto found = constants_.find(word);
    if (found != constants_.end()) return make_constant(found->second);
    if (const int k = coordinate_of(word); k >= 0) return make_coordinate(k);
    if (word == "t") return make_time();
    if (word == "pi") return make_constant(std::numbers::pi);
    if (word == "e") return make_constant(std::numbers::e);
    unknown("name", word, begin, known_names());
  }

  NodePtr call(const std::string& word, std::size_t begin) {
    const auto& functions = function_names();
    const auto found =
        std::find_if(functions.begin(), functions.end(), [&](const FunctionName& f) { return word == f.name; });
    if (found == functions.end()) {
      std::vector<std::string> names;
      for (const FunctionName& f : functions) names.emplace_back(f.name);
      unknown("function", word, begin, names);
    }
    take("(");
    std::vector<NodePtr> operands;
    do {
      operands.push_back(comparison());
    } while (take(","));
    if (!take(")")) fail("expected ',' or ')'");
    if (static_cast<int>(operands.size()) != found->operands) {
      fail_at(begin, fmt::format("{} takes {} argument{}, found {}", word, found->operands,
                                 found->operands == 1 ? "" : "s", operands.size()));
    }
    return make_node(found->operation, std::move(operands));
  }

  int coordinate_of(const std::string& word) const {
    for (std::size_t k = 0; k < coordinates_.size(); ++k) {
      if (word == coordinates_[k]) return static_cast<int>(k);
    }
    int number = 0;
    if (word.size() > 1 && word[0] == 'x' && word[1] != '0') {
      const auto [end, error] = std::from_chars(word.data() + 1, word.data() + word.size(), number);
      if (error == std::errc{} && end == word.data() + word.size() && number <= static_cast<int>(coordinates_.size()))
        return number - 1;
    }
    return -1;
  }

  std::vector<std::string> known_names() const {
    std::vector<std::string> names = coordinates_;
    names.emplace_back("t");
    for (const auto& [name, value] : constants_) names.push_back(name);
    names.emplace_back("pi");
    names.emplace_back("e");
    return names;
  }

  [[noreturn]] static void unknown(const char* what, const std::string& word, std::size_t begin,
                                   const std::vector<std::string>& names) {
    std::string message = fmt::format("unknown {} '{}'; known are {}", what, word, fmt::join(names, ", "));
    if (const std::string nearest = nearest_name(word, names); !nearest.empty())
      message += fmt::format("; did you mean '{}'?", nearest);
    fail_at(begin, message);
  }

  std::string_view text_;
  const std::vector<std::string>& coordinates_;
  const std::map<std::string, double>& constants_;
  std::size_t at_ = 0;
  int depth_ = 0;
};
}  // namespace

NodePtr parse_formula(std::string_view text, const std::vector<std::string>& coordinates,
                      const std::map<std::string, double>& constants) {
  return Parser(text, coordinates, constants).parse();
}

}  // namespace fortet
