#include "fortet/base/schema.hpp"

#include <gtest/gtest.h>

TEST(NearestName, FindsTransposedLettersAndIgnoresStrangers) {
  EXPECT_EQ(fortet::nearest_name("drfit", {"drift", "noise"}), "drift");
  EXPECT_EQ(fortet::nearest_name("colour", {"drift", "noise"}), "");
}
