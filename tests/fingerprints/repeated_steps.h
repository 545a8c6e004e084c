#pragma once
#include <map>
#include <string>

#include "callsheet/fingerprint.h"

namespace callsheet::tests {

/// The steps of a job that runs some of them again, and waits in the end: those whose fingerprints depend on the
/// repetitions that they stand in, the waits of time limits, and a named wait. By the labels that lead to them.
[[nodiscard]] std::map<std::string, Fingerprint> repeatedSteps();

}  // namespace callsheet::tests
