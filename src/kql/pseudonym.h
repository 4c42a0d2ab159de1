// hmac_sha256(): a keyed digest in place of a text, so that the same person stays the same without being named.
#pragma once

#include "base/secret.h"
#include "node.h"

namespace capstan::kql {

// Of a dynamic value every text inside is replaced and the rest is kept, names of members too; of another value its
// text is. "" stays "", and null stays null: what is not there needs no pseudonym, and rules can see that it is not.
NodePtr make_hmac(NodePtr value, const Secret& key);

}  // namespace capstan::kql
