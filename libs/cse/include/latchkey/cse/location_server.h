#pragma once
/// A location server of the underlying network over Mcn: OMA RESTful Network API for Terminal Location
/// (TS-0004 Annex F; Release 3: Annex G).
#include <chrono>
#include <cstdint>
#include <string>

#include "latchkey/authz/pdp.h"
#include "latchkey/base/ids.h"
#include "latchkey/bind/request.h"
#include "latchkey/codec/terminal_location.h"

namespace latchkey::cse {

struct LocationServerOptions {
  std::string url;                           ///< base, "https://host[:port]/location/v1"
  std::string notify_url;                    ///< where it reaches this CSE; empty: no area is watched
  std::chrono::milliseconds timeout{5'000};  ///< of one request
  /// Metres: what is asked for, and what is still taken. A place that is less certain is not known.
  double accuracy = 500;
  std::chrono::seconds watch_time{600};     ///< after it a subscription has to be made again
  std::chrono::seconds watch_frequency{5};  ///< between two notifications, at least
};

/// Reactor's thread. Callbacks come exactly once, later, also after this object's end.
class LocationServer {
 public:
  /// `sender` is the way to the host of `url`, proves who answers, and outlives this object.
  LocationServer(LocationServerOptions options, bind::RequestSender& sender);

  using Located = UniqueFunction<void(Result<codec::Fix>)>;
  /// Where the terminal is now. not_found: the server does not know or does not tell; denied; unavailable and
  /// expired as of RequestSender; invalid_argument: an answer that names its defect; limit: less certain than
  /// accepted.
  void locate(const std::string& address, Located done);
  using Subscribed = UniqueFunction<void(Result<std::string>)>;
  /// Subscribes to one crossing of one circle; gives the path for unsubscribe().
  void subscribe(const std::string& address, const authz::Circle& circle, codec::Crossing crossing,
                 const std::string& callback_data, Subscribed done);
  void unsubscribe(const std::string& path);

  [[nodiscard]] const LocationServerOptions& options() const noexcept { return options_; }

 private:
  using Answered = UniqueFunction<void(Result<codec::json::value>)>;
  void send(codec::Operation op, const std::string& path, codec::json::value content, Answered done);

  LocationServerOptions options_;
  std::string origin_;  ///< scheme and authority of the URL
  std::string base_;    ///< its path, without a last '/'
  bind::RequestSender& sender_;
  std::uint64_t requests_ = 0;
};

}  // namespace latchkey::cse
