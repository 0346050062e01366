// A laid-out receipt as dots: what the head burns, and what a preview shows.
#pragma once

#include "plugins/escpos-printer/bitmap.hpp"
#include "plugins/escpos-printer/layout.hpp"
#include "plugins/escpos-printer/typesetter.hpp"

namespace tilld::escpos {

enum class cut_marks { hidden, shown };  // a dashed line across the paper where the knife goes

// As wide as the paper and as high as the layout. The typesetter must be the one that the layout was made
// with.
bitmap paint(const layout& receipt, typesetter& type, cut_marks marks);

}  // namespace tilld::escpos
