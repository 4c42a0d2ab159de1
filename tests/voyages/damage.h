// What befalls a journal's files while the program does not run: bits that turn, files that are cut or gone.
#pragma once

#include <string>

#include "base/file_system.h"
#include "dice.h"

namespace capstan::voyages {

enum class DamagedPart { head, middle, tail };

// False when there was nothing to damage. Only segments; what was done is durable.
bool damage_journal(FileSystem& files, const std::string& directory, DamagedPart part, Dice& dice);

}  // namespace capstan::voyages
