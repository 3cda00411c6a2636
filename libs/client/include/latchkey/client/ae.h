#pragma once
/// An application entity: registers, asks, listens. The library that device makers link (TS-0001 10.2, Mca).
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "latchkey/client/credential.h"

namespace latchkey::client {

struct AeOptions {
  CseId registrar;
  std::string cse_base_name = "cse";  ///< resourceName of the registrar's CSEBase; "-" works everywhere
  bind::PeerOptions peer;             ///< credentials are set by the library from `credential`
  std::shared_ptr<SaeCredential> credential;  ///< nullptr: no association (trusted listener)
  std::string app_id;                         ///< "N..." or "R..."
  std::string requested_stem;                 ///< "", "C", "S" or a full stem
  std::string name;                           ///< resourceName of the AE, may be empty
  std::vector<std::string> labels;
  std::string release = "3";  ///< X-M2M-RVI: "2a" or "3"
  std::chrono::milliseconds timeout{15'000};
};

/// Asynchronous; one thread (the reactor's). Each call also exists as a blocking one for programs that do one
/// thing at a time. A lost session is made anew (prepare(), handshake) before the next request; a
/// registration that already exists (4117) is taken over. When the credential is renewed, requests under way
/// are finished in the old session. Redirections are not followed. Callbacks come exactly once, with
/// `unavailable` when the AE is destroyed before the answer comes.
class Ae {
 public:
  Ae(bind::Reactor& reactor, AeOptions options, AuditSink& audit, const Clock& clock);
  ~Ae();
  template <class T>
  using Done = UniqueFunction<void(Result<T>)>;
  using Response = codec::ResponsePrimitive;

  void send(codec::RequestPrimitive request,
            Done<Response> done);  ///< From, rqi, rvi are filled in when empty
  [[nodiscard]] Result<Response> request(codec::RequestPrimitive request);

  [[nodiscard]] Status register_ae();             ///< creates <AE>; on 4117 the existing one is used
  [[nodiscard]] Status deregister();              ///< not_found before the registration
  [[nodiscard]] const std::string& stem() const;  ///< AE-ID-Stem given by the registrar
  [[nodiscard]] std::optional<AeId> ae_id() const;
  [[nodiscard]] std::string resource() const;  ///< SP-relative address of the <AE>

  [[nodiscard]] Result<Response> create(const std::string& to, std::uint32_t ty, const std::string& element,
                                        codec::json::object attributes);
  [[nodiscard]] Result<Response> retrieve(const std::string& to);
  [[nodiscard]] Result<Response> update(const std::string& to, const std::string& element,
                                        codec::json::object attributes);
  [[nodiscard]] Result<Response> remove(const std::string& to);
  /// Addresses of resources below `to` that carry one of the labels.
  [[nodiscard]] Result<std::vector<std::string>> discover(const std::string& to,
                                                          const std::vector<std::string>& labels,
                                                          std::optional<std::uint32_t> type);

  /// What arrives over the polling channel: a notification or a request; the returned response goes back.
  /// When a session is lost before the answer got through, the registrar hands the same request out again: a
  /// handler must bear that.
  using Incoming = std::function<codec::ResponsePrimitive(const codec::RequestPrimitive&)>;
  /// Creates the <pollingChannel> if there is none and keeps a long poll open until stop_listening();
  /// survives loss of the session and restarts of the registrar. Handlers run on the reactor's thread; one
  /// that throws is answered for by 5000. not_found before the registration.
  [[nodiscard]] Status listen(Incoming handler);
  /// The same for a handler that may answer later, once; whoever it does not answer gets nothing before its
  /// time is over.
  using IncomingLater = std::function<void(codec::RequestPrimitive, bind::Respond)>;
  [[nodiscard]] Status listen_later(IncomingLater handler);
  /// The poll under way is left to end by itself; a request that it still brings is refused (5103), unless
  /// listen() was called again.
  void stop_listening();

  [[nodiscard]] tls::SecurityContextPtr context() const;  ///< of the current session; null before the first
  /// Ends the session; the next request makes a new one with the same credential while that is valid.
  void disconnect();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace latchkey::client
