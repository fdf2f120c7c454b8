#define FORTET_DENSE_PRODUCTS template
#include "dense_products.hpp"
