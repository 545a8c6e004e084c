#pragma once
#include <string>
#include <typeindex>

#include "callsheet/submit_options.h"

namespace callsheet {
inline namespace v1 {
namespace detail {

/// A job that is submitted in the transaction in which another one ends.
struct FollowUp {
  std::type_index type;
  std::string parameters;
  SubmitOptions options;
};

}  // namespace detail
}  // namespace v1
}  // namespace callsheet
