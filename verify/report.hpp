// A judgement in words for people, or as one line of JSON for scripts.
#pragma once

#include "verify/judgement.hpp"

namespace tilld::verify {

std::string in_words(const judgement& j, const std::vector<std::unique_ptr<chain>>& files, bool keys_given);
std::string in_json(const judgement& j, const std::vector<std::unique_ptr<chain>>& files);

}  // namespace tilld::verify
