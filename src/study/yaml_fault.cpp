#include "yaml_fault.hpp"

namespace fortet::study {

namespace {

struct Opened {
  char character = 0;  ///< 0: nothing is open
  Position position;
};

/// Follows quotes, comments and brackets of YAML text and keeps what is open at its end.
class Scanner {
 public:
  explicit Scanner(const std::string& text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      take(text[i], i > 0 ? text[i - 1] : '\n', i + 1 < text.size() ? text[i + 1] : '\n');
      if (text[i] != ' ' && text[i] != '\t' && !in_comment_) last_ = text[i];
      ++position_.column;
      if (text[i] == '\n') {
        ++position_.line;
        position_.column = 1;
        in_comment_ = false;
        in_indentation_ = true;
      }
    }
  }
  /// The quote that is open, or the innermost bracket; a bracket that another kind of bracket closes counts as open.
  Opened open() const {
    if (quote_.character) return quote_;
    if (mismatched_.character) return mismatched_;
    return brackets_.empty() ? Opened{} : brackets_.back();
  }
  Position tab() const { return tab_; }                   ///< of an indentation; line 0: there is none
  Position closed_too_often() const { return surplus_; }  ///< a closing bracket without an opening one

 private:
  void take(char c, char before, char after) {
    if (in_comment_) return;
    if (quote_.character) {
      if (skip_) {
        skip_ = false;
      } else if (quote_.character == '"' && c == '\\') {
        skip_ = true;
      } else if (quote_.character == '\'' && c == '\'' && after == '\'') {
        skip_ = true;
      } else if (c == quote_.character) {
        quote_ = {};
      }
      return;
    }
    // Inside of plain text neither a quote nor a bracket opens anything.
    const bool starts = std::string_view("\n[{,:-").find(last_) != std::string_view::npos;
    if (c == '\t' && in_indentation_ && tab_.line == 0) tab_ = position_;
    if (c != ' ' && c != '\t') in_indentation_ = false;
    if (c == '#' && (before == ' ' || before == '\t' || before == '\n')) {
      in_comment_ = true;
    } else if ((c == '"' || c == '\'') && starts) {
      quote_ = {c, position_};
    } else if ((c == '[' || c == '{') && (starts || !brackets_.empty())) {
      brackets_.push_back({c, position_});
    } else if (c == ']' || c == '}') {
      if (brackets_.empty()) {
        if (surplus_.line == 0) surplus_ = position_;
      } else {
        const bool fits = brackets_.back().character == (c == ']' ? '[' : '{');
        if (!fits && !mismatched_.character) mismatched_ = brackets_.back();
        brackets_.pop_back();
      }
    }
  }

  Position position_{1, 1}, tab_{0, 0}, surplus_{0, 0};
  std::vector<Opened> brackets_;
  Opened quote_, mismatched_;
  char last_ = '\n';  ///< that is no blank
  bool in_comment_ = false, in_indentation_ = true, skip_ = false;
};

}  // namespace

Position open_quote(const std::string& text) {
  // Of a block of literal text a quote may be a part: there it is not known.
  if (text.find("|\n") != std::string::npos || text.find(">\n") != std::string::npos) return {};
  const Opened open = Scanner(text).open();
  return open.character == '"' || open.character == '\'' ? open.position : Position{};
}

std::pair<Position, std::string> yaml_fault(const std::string& text, Position position, const std::string& message) {
  const Scanner scanner(text);
  const Opened open = scanner.open();
  if (scanner.tab().line > 0 && scanner.tab().line <= position.line && !open.character) {
    return {scanner.tab(), "a tab stands in the indentation; YAML takes blanks only: two for each level"};
  }
  if (open.character == '"' || open.character == '\'') {
    return {open.position, fmt::format("the quote {} that begins here is never closed", open.character)};
  }
  if (open.character) {
    return {open.position, fmt::format("the bracket {} that opens here is not closed by {}", open.character,
                                       open.character == '[' ? ']' : '}')};
  }
  if (scanner.closed_too_often().line > 0) {
    return {scanner.closed_too_often(), "this bracket closes nothing: it has no opening one"};
  }
  if (message.find("bad conversion") != std::string::npos || message.find("alias") != std::string::npos ||
      message.find("anchor") != std::string::npos) {
    return {position, fmt::format("YAML: {}: an alias *name repeats what &name marked before it", message)};
  }
  if (message.find("illegal map value") != std::string::npos) {
    return {position, "YAML: a second ': ' on this line; put texts with colons in quotes"};
  }
  if (message.find("end of map not found") != std::string::npos ||
      message.find("end of sequence not found") != std::string::npos) {
    return {position,
            "YAML: this line is indented in another way than those that it belongs to, or lacks ': ' or '- '"};
  }
  return {position, "YAML: " + message};
}

}  // namespace fortet::study
