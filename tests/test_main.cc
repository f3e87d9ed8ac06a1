// main() of every GoogleTest program: a program whose tests were all skipped says so to ctest with
// exit code 77.
#include <gtest/gtest.h>

#include <cstdio>

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const int failed = RUN_ALL_TESTS();
  const testing::UnitTest& unit = *testing::UnitTest::GetInstance();
  if (failed == 0 && unit.skipped_test_count() > 0) {
    std::printf("SKIPPED %d of %d tests: see the messages above\n", unit.skipped_test_count(),
                unit.test_to_run_count());
    if (unit.skipped_test_count() == unit.test_to_run_count()) return 77;
  }
  return failed;
}
