#pragma once
/// A CSE with everything around it faked but the protocol: requests go in as a binding would hand them over.
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "latchkey/codec/resource_types.h"
#include "latchkey/cse/cse.h"
#include "memory_store.h"

namespace latchkey::cse::test {

namespace json = boost::json;
using codec::Operation;
using codec::RequestPrimitive;
using codec::ResponsePrimitive;
using codec::Rsc;
using codec::Ty;

inline const SpId kSp = *SpId::parse("//sp.example");
inline CseId cse_id(std::string_view text) { return *CseId::parse(text, kSp); }
inline AeId ae_id(std::string_view text) { return *AeId::parse(text, kSp); }

/// How a request comes in.
struct Via {
  tls::SecurityContextPtr security;
  bind::ListenerKind listener = bind::ListenerKind::secure;
  std::string listener_name;
};
inline Via via(tls::SecurityContext context) {
  return {std::make_shared<const tls::SecurityContext>(std::move(context)), bind::ListenerKind::secure,
          "tls"};
}
/// A TLS session bound to an AE-ID or CSE-ID.
inline Via tls_of(std::string_view id) {
  tls::SecurityContext context;
  context.framework = tls::Framework::provisioned_symmetric_key;
  context.identity = *parse_entity_id(id, kSp);
  context.psk_identity = "psk";
  return via(std::move(context));
}
inline Via plain() {
  return {std::make_shared<const tls::SecurityContext>(), bind::ListenerKind::plain, "plain"};
}
inline Via trusted(std::string name) {
  tls::SecurityContext context;
  context.framework = tls::Framework::trusted_listener;
  return {std::make_shared<const tls::SecurityContext>(std::move(context)), bind::ListenerKind::trusted_unix,
          std::move(name)};
}

/// A connection whose peer leaves when it is told to.
class FakeChannel final : public bind::Channel {
 public:
  [[nodiscard]] std::uint64_t id() const noexcept override { return 1; }
  [[nodiscard]] Result<SecretBytes> export_key(std::string_view, std::size_t) const override {
    return fail(ErrorCode::denied, "no TLS");
  }
  [[nodiscard]] bind::Departure departure() const noexcept override { return departure_; }
  void watch(Task departed) override { watch_ = std::move(departed); }
  void park() noexcept override { parked = true; }
  void leave(bind::Departure how) {
    departure_ = how;
    if (auto watch = std::exchange(watch_, {})) watch();
  }
  bool parked = false;

 private:
  bind::Departure departure_ = bind::Departure::none;
  Task watch_;
};

/// Another entity: keeps what it is sent and answers from a list, or 2000.
class FakePeer final : public bind::RequestSender {
 public:
  std::vector<RequestPrimitive> received;
  std::vector<Result<ResponsePrimitive>> answers;  ///< used from the front
  bool hold = false;                               ///< answers wait in `held`
  std::vector<Task> held;
  /// Set: whom it stands for answers.
  std::function<void(RequestPrimitive, Done)> real;
  void send(RequestPrimitive request, std::chrono::milliseconds timeout, Done done) override {
    if (hold) {
      auto shared = std::make_shared<std::pair<RequestPrimitive, Done>>(std::move(request), std::move(done));
      held.emplace_back(
          [this, shared, timeout] { answer(std::move(shared->first), timeout, std::move(shared->second)); });
      return;
    }
    answer(std::move(request), timeout, std::move(done));
  }
  void answer(RequestPrimitive request, std::chrono::milliseconds, Done done) {
    if (real && answers.empty()) {
      received.push_back(request);
      return real(std::move(request), std::move(done));
    }
    Result<ResponsePrimitive> answer = ResponsePrimitive{};
    if (answers.empty()) {
      answer->rsc = Rsc::ok;
    } else {
      answer = std::move(answers.front());
      answers.erase(answers.begin());
    }
    if (answer) answer->rqi = request.rqi;
    received.push_back(std::move(request));
    done(std::move(answer));
  }
};

class FakePeers final : public Peers {
 public:
  std::map<std::string, FakePeer> cses, urls;
  std::map<std::string, std::string> owners;  ///< who was last said to have named a URL
  bind::RequestSender* cse(const CseId& id, const std::vector<std::string>&) override {
    const auto at = cses.find(id.absolute());
    return at != cses.end() ? &at->second : nullptr;
  }
  bind::RequestSender* url(std::string_view url, const std::string& owner) override {
    owners[std::string(url)] = owner;
    const auto at = urls.find(std::string(url));
    return at != urls.end() ? &at->second : nullptr;
  }
};

class World {
 public:
  static CseOptions in_options() {
    CseOptions options{.type = CseType::in, .cse_id = cse_id("/in-cse")};
    options.administrator = ae_id("/Sadmin");
    options.trusted_listeners = {{"local", {"Sadmin", "C*", "Stest*"}}};
    return options;
  }
  static CseOptions mn_options() {
    auto options = in_options();
    options.type = CseType::mn;
    options.cse_id = cse_id("/mn-cse");
    options.field_domain = true;
    return options;
  }

  explicit World(CseOptions options = in_options()) : options_(std::move(options)) { start(); }

  void start() {
    cse.reset();
    auto opened = Cse::open(options_, store, executor, clock, audit, peers);
    if (!opened) throw std::runtime_error(opened.error().detail);
    cse = std::move(*opened);
  }
  CseOptions& options() { return options_; }

  using Answer = std::shared_ptr<std::optional<ResponsePrimitive>>;
  /// Hands a request over; nullopt while it is not answered.
  Answer begin(const Via& how, RequestPrimitive request, const std::shared_ptr<FakeChannel>& channel = {}) {
    auto answer = hand_over(how, std::move(request), channel);
    executor.run_posted();
    return answer;
  }
  /// The same with others in one turn of the loop.
  Answer hand_over(const Via& how, RequestPrimitive request,
                   const std::shared_ptr<FakeChannel>& channel = {}) {
    auto answer = std::make_shared<std::optional<ResponsePrimitive>>();
    bind::IncomingRequest incoming;
    incoming.primitive = std::move(request);
    incoming.security = how.security;
    incoming.listener = how.listener;
    incoming.listener_name = how.listener_name;
    incoming.peer = "192.0.2.7:4711";
    incoming.received = clock.now();
    if (channel) incoming.channel = channel;
    cse->handle(std::move(incoming), [answer](ResponsePrimitive response) {
      EXPECT_FALSE(answer->has_value()) << "answered twice";
      *answer = std::move(response);
    });
    return answer;
  }
  ResponsePrimitive send(const Via& how, RequestPrimitive request) {
    const auto answer = begin(how, std::move(request));
    EXPECT_TRUE(answer->has_value()) << "no answer";
    return answer->value_or(ResponsePrimitive{});
  }

  // Requests. `from` also names the session: TLS bound to it, unless `how` says otherwise.

  RequestPrimitive make(Operation op, std::string_view from, std::string_view to) {
    RequestPrimitive request;
    request.op = op;
    request.from = from;
    request.to = to;
    request.rqi = "r" + std::to_string(++requests_);
    request.rvi = "2a";
    return request;
  }
  RequestPrimitive creation(std::string_view from, std::string_view to, Ty ty, std::string_view content) {
    auto request = make(Operation::create, from, to);
    request.ty = static_cast<std::uint32_t>(ty);
    request.pc = json::parse(content);
    return request;
  }
  RequestPrimitive change(std::string_view from, std::string_view to, std::string_view content) {
    auto request = make(Operation::update, from, to);
    request.pc = json::parse(content);
    return request;
  }
  Via session(std::string_view from) const {
    if (from.starts_with('/')) return tls_of(from);
    return tls_of(from.starts_with('S') ? "/" + std::string(from)
                                        : options_.cse_id.sp_relative() + "/" + std::string(from));
  }
  ResponsePrimitive create(std::string_view from, std::string_view to, Ty ty, std::string_view content) {
    return send(session(from), creation(from, to, ty, content));
  }
  ResponsePrimitive retrieve(std::string_view from, std::string_view to) {
    return send(session(from), make(Operation::retrieve, from, to));
  }
  ResponsePrimitive update(std::string_view from, std::string_view to, std::string_view content) {
    return send(session(from), change(from, to, content));
  }
  ResponsePrimitive remove(std::string_view from, std::string_view to) {
    return send(session(from), make(Operation::del, from, to));
  }

  /// Registers an AE over its own TLS session.
  void register_ae(std::string_view stem, std::string_view name) {
    const auto response =
        create(stem, "-", Ty::ae,
               R"({"m2m:ae":{"api":"Napp","rr":false,"srv":["2a"],"rn":")" + std::string(name) + R"("}})");
    ASSERT_EQ(response.rsc, Rsc::created) << debug(response);
  }
  /// What is sent to the CSE `other` arrives there, over a session that proves who we are; and the other way
  /// round. Both know the other as registered. Both outlive each other's use.
  void connect(World& other) {
    reach(other);
    other.reach(*this);
  }
  void reach(World& other) {
    register_cse(other.options_.cse_id.sp_relative());
    peers.cses[other.options_.cse_id.absolute()].real = [this, &other](RequestPrimitive request,
                                                                       bind::RequestSender::Done done) {
      bind::IncomingRequest incoming;
      incoming.primitive = std::move(request);
      incoming.security = tls_of(options_.cse_id.sp_relative()).security;
      incoming.listener_name = "tls";
      incoming.peer = "192.0.2.9:4712";
      incoming.peer_ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 9};
      incoming.received = other.clock.now();
      auto shared = std::make_shared<bind::RequestSender::Done>(std::move(done));
      other.cse->handle(std::move(incoming),
                        [shared](ResponsePrimitive response) { (*shared)(std::move(response)); });
      other.executor.run_posted();
    };
  }
  void register_cse(std::string_view id) {
    const auto text = std::string(id);
    const auto response =
        create(id, "-", Ty::csr,
               R"({"m2m:csr":{"csi":")" + text + R"(","cb":")" + text + R"(/cse","rr":true,"srv":["2a"]}})");
    ASSERT_EQ(response.rsc, Rsc::created) << debug(response);
  }

  static std::string debug(const ResponsePrimitive& response) { return codec::to_text(response.pc); }
  /// The attributes of the one resource in a response.
  static json::object attributes(const ResponsePrimitive& response) {
    const auto* const content = response.pc.if_object();
    if (content == nullptr || content->empty() || !content->begin()->value().is_object()) return {};
    return content->begin()->value().get_object();
  }
  static std::string text(const ResponsePrimitive& response, std::string_view name) {
    const auto all = attributes(response);
    const auto* const value = all.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
  }
  static std::int64_t number(const ResponsePrimitive& response, std::string_view name) {
    const auto all = attributes(response);
    const auto* const value = all.if_contains(name);
    return value != nullptr && value->is_number() ? value->to_number<std::int64_t>() : -1;
  }
  static std::vector<std::string> uris(const ResponsePrimitive& response) {
    std::vector<std::string> found;
    if (const auto* const content = response.pc.if_object();
        content != nullptr && content->contains("m2m:uril")) {
      for (const auto& uri : content->at("m2m:uril").as_array()) found.emplace_back(uri.as_string());
    }
    return found;
  }

  MemoryStore store;
  ManualExecutor executor;
  ManualClock clock{*parse_timestamp("20240601T120000")};
  AuditRecorder audit;
  FakePeers peers;
  std::unique_ptr<Cse> cse;

 private:
  CseOptions options_;
  int requests_ = 0;
};

}  // namespace latchkey::cse::test
