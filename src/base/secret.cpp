#include "base/secret.h"

#include <string.h>

namespace capstan {

Secret::~Secret() { explicit_bzero(value_.data(), value_.size()); }

}  // namespace capstan
