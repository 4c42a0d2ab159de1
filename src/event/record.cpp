#include "event/record.h"

namespace capstan {

Hash128 identity(std::string_view feed, std::string_view id) { return hash128(id, hash64(feed)); }

}  // namespace capstan
