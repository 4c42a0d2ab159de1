// A parsed configuration: scalars as text, every node with its place. What a scalar means is said by the declaration
// that reads it
// (`country: no` is Norway). Independent of the parser; made by config/document.h.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace capstan::config {

struct Place {
  std::string file;  // as the user named it; empty for the command line
  int line = 0;      // from 1; 0 = unknown
  int column = 0;    // from 1
};
// "capstan.yaml:12:5"
std::string to_string(const Place& place);
// A path that stands there: from the folder of its file, unless it is absolute.
std::string beside(const Place& place, const std::string& path);

struct Node {
  enum class Kind { null, scalar, sequence, map };
  struct Member;  // key and value

  Kind kind = Kind::null;
  std::string scalar;  // after ${…} has been resolved
  bool is_quoted = false;
  bool is_secret = false;  // a ${…} reference was resolved into it: its text must not be shown
  std::vector<Node> items;
  std::vector<Member> members;
  Place place;

  const Node* find(std::string_view key) const;
};
struct Node::Member {
  std::string key;
  Place place;
  Node value;
};

struct Finding {
  enum class Severity { error, warning };
  Severity severity = Severity::error;
  ErrorCode code;
  Place place;
  std::string sentence;  // without place and code
};
// "capstan.yaml:12:5: there is no option "adress" in sink arcsight; did you mean "address"? [E1004]"
std::string to_string(const Finding& finding);

// All findings, not the first: decoding goes on after one.
class Findings {
public:
  void add(ErrorCode code, const Place& place, std::string sentence);
  void warn(ErrorCode code, const Place& place, std::string sentence);
  bool has_errors() const;
  const std::vector<Finding>& all() const { return all_; }
  void append(const Findings& other);

private:
  std::vector<Finding> all_;
};

}  // namespace capstan::config
