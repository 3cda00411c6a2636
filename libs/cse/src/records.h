#pragma once
/// The form in which a resource is stored: {"n": serial, "o": created_by, "b": associated, "a":
/// {attributes}}.
#include <memory>
#include <string>
#include <string_view>

#include "latchkey/base/error.h"
#include "resource.h"

namespace latchkey::cse {

[[nodiscard]] std::string to_record(const Resource& resource);
/// The same when the attributes have been written already.
[[nodiscard]] std::string to_record(const Resource& resource, std::string_view attributes);
/// ri, ty, rn and the expiration are taken from the attributes; the links are left empty.
[[nodiscard]] Result<std::unique_ptr<Resource>> from_record(std::string_view ri, std::string_view record);

/// `et` of the attributes; nullopt when absent. A malformed one cannot pass the codec.
[[nodiscard]] std::optional<TimePoint> expiration_of(const boost::json::object& attributes);

}  // namespace latchkey::cse
