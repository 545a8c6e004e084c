// Catch's main, alone in its object library because it takes long to compile.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
