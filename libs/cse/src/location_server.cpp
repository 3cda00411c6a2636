#include "latchkey/cse/location_server.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace latchkey::cse {
namespace {

constexpr std::string_view kCircles = "/subscriptions/area/circle";

std::string as_query_value(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      ((out += '%') += kHex[octet >> 4U]) += kHex[octet & 0xfU];
    }
  }
  return out;
}

std::string as_number(double value) {
  std::array<char, 32> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, 0).ptr;
  return {text.data(), end};
}

Error error_of(codec::Rsc rsc) {
  if (rsc == codec::Rsc::originator_has_no_privilege)
    return {ErrorCode::denied, "the location server refuses to tell"};
  return {ErrorCode::not_found, "the location server answers " + std::string(codec::to_string(rsc))};
}

Result<codec::Fix> fix_of(const codec::json::value& content, const std::string& address, double accuracy) {
  auto read = codec::read_terminal_location(content, address);
  if (!read)
    return fail(ErrorCode::invalid_argument, "answer of the location server: " + read.error().detail);
  if (!read->fix) return fail(ErrorCode::not_found, "the location server answers " + read->status);
  if (read->fix->accuracy > accuracy) return fail(ErrorCode::limit, "the location is not certain enough");
  return *read->fix;
}

}  // namespace

LocationServer::LocationServer(LocationServerOptions options, bind::RequestSender& sender)
    : options_(std::move(options)), sender_(sender) {
  const auto scheme = options_.url.find("://");
  const auto path = scheme == std::string::npos ? scheme : options_.url.find('/', scheme + 3);
  origin_ = options_.url.substr(0, path);
  if (path != std::string::npos) base_ = options_.url.substr(path);
  while (base_.ends_with('/')) base_.pop_back();
}

/// The client for primitives speaks to a plain HTTP server too: method, URL and JSON are those of the
/// request, and the header fields of oneM2M mean nothing there.
void LocationServer::send(codec::Operation op, const std::string& path, codec::json::value content,
                          Answered done) {
  codec::RequestPrimitive request;
  request.op = op;
  request.to = origin_ + path;
  request.rqi = "location-" + std::to_string(++requests_);
  request.pc = std::move(content);
  sender_.send(std::move(request), options_.timeout,
               [done = std::move(done)](Result<codec::ResponsePrimitive> answer) mutable {
                 if (!answer) return done(fail("location server", answer.error()));
                 const bool good = answer->rsc == codec::Rsc::ok || answer->rsc == codec::Rsc::created;
                 if (!good) return done(fail(error_of(answer->rsc)));
                 done(std::move(answer->pc));
               });
}

void LocationServer::locate(const std::string& address, Located done) {
  const auto metres = as_number(options_.accuracy);
  send(codec::Operation::retrieve,
       base_ + "/queries/location?address=" + as_query_value(address) + "&requestedAccuracy=" + metres +
           "&acceptableAccuracy=" + metres,
       nullptr,
       [address, accuracy = options_.accuracy,
        done = std::move(done)](Result<codec::json::value> content) mutable {
         if (!content) return done(fail(content.error()));
         done(fix_of(*content, address, accuracy));
       });
}

void LocationServer::subscribe(const std::string& address, const authz::Circle& circle,
                               codec::Crossing crossing, const std::string& callback_data, Subscribed done) {
  auto content = codec::to_json(codec::CircleSubscription{.address = address,
                                                          .latitude = circle.latitude,
                                                          .longitude = circle.longitude,
                                                          .radius = circle.radius,
                                                          .crossing = crossing,
                                                          .notify_url = options_.notify_url,
                                                          .callback_data = callback_data,
                                                          .duration = options_.watch_time,
                                                          .frequency = options_.watch_frequency,
                                                          .accuracy = options_.accuracy});
  send(codec::Operation::notify, base_ + std::string(kCircles), std::move(content),
       [below = base_ + std::string(kCircles) + "/",
        done = std::move(done)](Result<codec::json::value> answer) mutable {
         if (!answer) return done(fail(answer.error()));
         auto path = codec::read_subscription_path(*answer);
         if (!path)
           return done(
               fail(ErrorCode::invalid_argument, "answer of the location server: " + path.error().detail));
         // What is deleted later must be a subscription, whatever the answer says.
         const auto rest = std::string_view(*path).substr(std::min(path->size(), below.size()));
         if (!path->starts_with(below) || rest.empty() || rest.find('/') != std::string_view::npos ||
             rest.front() == '.')
           return done(fail(ErrorCode::invalid_argument,
                            "answer of the location server: resourceURL: no subscription"));
         done(std::move(*path));
       });
}

void LocationServer::unsubscribe(const std::string& path) {
  // Whether it succeeds or not, the subscription ends by itself after watch_time.
  send(codec::Operation::del, path, nullptr, [](const Result<codec::json::value>&) {});
}

}  // namespace latchkey::cse
