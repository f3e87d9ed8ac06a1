// VISAVIS_RETURN_IF_ERROR and VISAVIS_ASSIGN_OR_RETURN: early return on a failed Result.
#pragma once

#include <utility>

#include "visavis/result.h"

#define VISAVIS_CONCAT_INNER_(a, b) a##b
#define VISAVIS_CONCAT_(a, b) VISAVIS_CONCAT_INNER_(a, b)

/// Returns the error of `expression` (a Status or Result) from the enclosing function if it failed.
#define VISAVIS_RETURN_IF_ERROR(expression)                                      \
  do {                                                                           \
    auto visavis_status_ = (expression);                                         \
    if (!visavis_status_.has_value()) return std::move(visavis_status_).error(); \
  } while (false)

/// `lhs` = value of the Result `expression`, or returns its error. lhs may declare a variable.
#define VISAVIS_ASSIGN_OR_RETURN(lhs, expression) \
  VISAVIS_ASSIGN_OR_RETURN_IMPL_(VISAVIS_CONCAT_(visavis_result_, __LINE__), lhs, expression)
#define VISAVIS_ASSIGN_OR_RETURN_IMPL_(temporary, lhs, expression) \
  auto temporary = (expression);                                   \
  if (!temporary.has_value()) return std::move(temporary).error(); \
  lhs = std::move(temporary).value()
