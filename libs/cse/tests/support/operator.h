#pragma once
/// The operator's location server as a program of its own would be: behind a socket, in HTTP, with its own
/// state. It shares nothing with the CSE under test but the loop that turns both.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "latchkey/base/audit.h"
#include "latchkey/bind/http_client.h"
#include "latchkey/bind/web_server.h"
#include "latchkey/codec/terminal_location.h"
#include "latchkey/cse/location.h"

namespace latchkey::cse::test {

class Operator {
 public:
  Operator(bind::Reactor& reactor, const Clock& clock) : reactor_(reactor), clock_(clock) {
    bind::ListenerOptions listener;
    listener.name = "location";
    listener.kind = bind::ListenerKind::plain;
    listener.address = "127.0.0.1";
    port = server_.listen(std::move(listener)).value();
  }

  [[nodiscard]] std::string authority() const { return "127.0.0.1:" + std::to_string(port); }
  [[nodiscard]] std::string url() const { return "http://" + authority() + "/location/v1"; }

  struct Subscription {
    boost::json::object body;
    [[nodiscard]] std::string text(const char* name) const { return std::string(body.at(name).as_string()); }
    [[nodiscard]] std::string reference(const char* name) const {
      return std::string(body.at("callbackReference").at(name).as_string());
    }
  };

  /// The terminal is there now.
  void place(const std::string& address, double latitude, double longitude, double accuracy = 20) {
    fixes[address] = {latitude, longitude, accuracy, clock_.now()};
  }
  /// Reports the crossing to the subscribers of this direction; their status codes.
  void cross(const std::string& address, codec::Crossing crossing, bool final = false) {
    for (const auto& [path, subscription] : subscriptions) {
      if (subscription.text("enteringLeavingCriteria") != codec::to_string(crossing)) continue;
      report(subscription.reference("notifyURL"), subscription.reference("callbackData"), address, crossing,
             final);
    }
  }
  void report(const std::string& url, const std::string& callback_data, const std::string& address,
              codec::Crossing crossing, bool final = false) {
    boost::json::object terminal{{"address", address}, {"locationRetrievalStatus", "NotRetrieved"}};
    if (const auto fix = fixes.find(address); fix != fixes.end()) {
      terminal["locationRetrievalStatus"] = "Retrieved";
      terminal["currentLocation"] = codec::to_json(fix->second);
    }
    post(url,
         boost::json::object{{"subscriptionNotification",
                              boost::json::object{{"callbackData", callback_data},
                                                  {"enteringLeavingCriteria", codec::to_string(crossing)},
                                                  {"isFinalNotification", final},
                                                  {"terminalLocation", std::move(terminal)}}}});
  }
  void post(const std::string& url, boost::json::value content) {
    if (caller_ == nullptr) {
      bind::PeerOptions options;
      options.address = "127.0.0.1";
      const auto colon = url.find(':', 7);
      options.port = static_cast<std::uint16_t>(std::stoi(url.substr(colon + 1)));
      caller_ = std::make_unique<bind::HttpClient>(reactor_, std::move(options), audit_, clock_);
    }
    codec::RequestPrimitive request;
    request.op = codec::Operation::notify;
    request.to = url;
    request.rqi = "n";
    request.pc = std::move(content);
    caller_->send(std::move(request), std::chrono::seconds(10),
                  [this](Result<codec::ResponsePrimitive> answer) {
                    reported.push_back(answer ? answer->rsc : codec::Rsc::target_not_reachable);
                  });
  }

  std::map<std::string, codec::Fix> fixes;            ///< by address
  std::map<std::string, Subscription> subscriptions;  ///< by path
  std::vector<std::string> requests;                  ///< request lines
  std::vector<codec::Rsc> reported;                   ///< what answered our notifications
  bool silent = false;                                ///< answers nothing
  int status = 200;                                   ///< else: every answer
  std::string garbage;                                ///< not empty: in the place of each answer
  std::string refuse_direction;                       ///< enteringLeavingCriteria that is not offered
  std::string resource_url;                           ///< not empty: in the place of the true one
  std::uint16_t port = 0;

 private:
  using Respond = bind::WebServer::Respond;
  static bind::WebAnswer json_answer(int status, const boost::json::value& body) {
    return {.status = status, .content_type = "application/json", .body = boost::json::serialize(body)};
  }
  void handle(bind::WebRequest request, Respond respond) {
    requests.push_back(request.method + " " + request.target);
    if (silent) return held_.push_back(std::move(respond));
    if (status != 200) return respond({.status = status});
    if (!garbage.empty())
      return respond({.status = 200, .content_type = "application/json", .body = garbage});
    if (request.method == "GET") return respond(query(request.target));
    if (request.method == "POST") return respond(subscribe(request));
    respond({.status = subscriptions.erase(request.target) == 1 ? 204 : 404});
  }
  bind::WebAnswer query(const std::string& target) {
    constexpr std::string_view kBegin = "/location/v1/queries/location?address=";
    if (!target.starts_with(kBegin)) return {.status = 404};
    const auto encoded = target.substr(kBegin.size(), target.find('&') - kBegin.size());
    std::string address;
    for (std::size_t i = 0; i < encoded.size(); ++i) {
      const bool escaped = encoded[i] == '%';
      address += escaped ? static_cast<char>(std::stoi(encoded.substr(i + 1, 2), nullptr, 16)) : encoded[i];
      if (escaped) i += 2;
    }
    boost::json::object terminal{{"address", address}, {"locationRetrievalStatus", "NotRetrieved"}};
    if (const auto fix = fixes.find(address); fix != fixes.end()) {
      terminal["locationRetrievalStatus"] = "Retrieved";
      terminal["currentLocation"] = codec::to_json(fix->second);
    }
    return json_answer(200, boost::json::object{{"terminalLocationList",
                                                 boost::json::object{{"terminalLocation", terminal}}}});
  }
  bind::WebAnswer subscribe(const bind::WebRequest& request) {
    constexpr std::string_view kCircles = "/location/v1/subscriptions/area/circle";
    if (request.target != kCircles) return {.status = 404};
    auto body = boost::json::parse(request.body).at("circleNotificationSubscription").as_object();
    if (body.at("enteringLeavingCriteria").as_string() == refuse_direction) return {.status = 403};
    const auto path = std::string(kCircles) + "/" + std::to_string(++made_);
    subscriptions[path].body = body;
    body["resourceURL"] = resource_url.empty() ? "http://elsewhere.example" + path : resource_url;
    return json_answer(201, boost::json::object{{"circleNotificationSubscription", body}});
  }

  bind::Reactor& reactor_;
  const Clock& clock_;
  AuditRecorder audit_;
  std::vector<Respond> held_;
  int made_ = 0;
  std::unique_ptr<bind::HttpClient> caller_;
  bind::WebServer server_{
      reactor_,
      {},
      [this](bind::WebRequest request, Respond respond) { handle(std::move(request), std::move(respond)); },
      audit_,
      clock_};
};

/// A PIP with its way to the operator's server, and the place where that calls back.
class Locating {
 public:
  explicit Locating(LocationOptions options = {}, bool watches = true,
                    const CountryDatabase* countries = nullptr) {
    bind::ListenerOptions listener;
    listener.name = "callback";
    listener.kind = bind::ListenerKind::plain;
    listener.address = "127.0.0.1";
    const auto port = callback_.listen(std::move(listener)).value();
    LocationServerOptions server_options;
    server_options.url = network.url();
    if (watches) server_options.notify_url = "http://127.0.0.1:" + std::to_string(port) + "/location";
    server_options.timeout = std::chrono::milliseconds(300);
    server = std::make_unique<LocationServer>(server_options, client_);
    information =
        std::make_unique<LocationInformation>(std::move(options), server.get(), countries, reactor, clock);
  }
  static bind::PeerOptions peer(const Operator& network) {
    bind::PeerOptions options;
    options.address = "127.0.0.1";
    options.port = network.port;
    options.host = network.authority();
    options.limits.octets = 4096;
    return options;
  }
  bool until(const std::function<bool()>& done) { return reactor.run_until(done, std::chrono::seconds(20)); }

  bind::Reactor reactor;
  ManualClock clock{*parse_timestamp("20240601T120000")};
  AuditRecorder audit;
  Operator network{reactor, clock};
  std::unique_ptr<LocationServer> server;
  std::unique_ptr<LocationInformation> information;

 private:
  bind::HttpClient client_{reactor, peer(network), audit, clock};
  bind::WebServer callback_{reactor,
                            {},
                            [this](const bind::WebRequest& request, bind::WebServer::Respond respond) {
                              respond(information->on_notification(request));
                            },
                            audit,
                            clock};
};

}  // namespace latchkey::cse::test
