#pragma once
/// What the programs of the example share: command line, credentials from files, one AE on one reactor.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "latchkey/client/ae.h"

namespace door_lock {

/// Ends the program with a message when something that must work does not.
[[noreturn]] void give_up(const std::string& what, const latchkey::Error& error);
template <class T>
T must(const std::string& what, latchkey::Result<T> result) {
  if (!result) give_up(what, result.error());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}
/// A response that must have one of these codes.
void must_answer(const std::string& what,
                 const latchkey::Result<latchkey::codec::ResponsePrimitive>& response,
                 std::initializer_list<latchkey::codec::Rsc> accepted);

/// One line to standard output, flushed.
void say(const std::string& line);

class Silent final : public latchkey::AuditSink {
 public:
  void record(latchkey::AuditEvent) override {}
};

/// Options that every device has: who it is and where its registrar is.
struct DeviceOptions {
  std::string sp = "//my.m2mprovider.org", registrar, address = "127.0.0.1", stem, name,
              app_id = "Nlatchkey.door-lock", key_log;
  std::uint16_t port = 0;
  void add_to(CLI::App& app);
  /// To be called before the first session.
  void start() const;
  [[nodiscard]] latchkey::SpId home() const;
  [[nodiscard]] latchkey::CseId registrar_id() const;
  [[nodiscard]] latchkey::client::AeOptions ae(
      std::shared_ptr<latchkey::client::SaeCredential> credential) const;
};

/// Kpsa from an owner-only file of hex digits.
[[nodiscard]] std::shared_ptr<latchkey::client::SaeCredential> psk_from_file(const std::string& identity,
                                                                             const std::string& file,
                                                                             const DeviceOptions& device);
[[nodiscard]] std::shared_ptr<const latchkey::tls::OwnCertificate> certificate_from_files(
    const std::string& certificate, const std::string& key);
[[nodiscard]] std::shared_ptr<const latchkey::pki::TrustStore> trust_from_file(const std::string& file);

/// {"acr": [...]} with one rule per entry.
struct Rule {
  std::string originator;
  int operations;  ///< sum of CREATE 1, RETRIEVE 2, UPDATE 4, DELETE 8, NOTIFY 16, DISCOVERY 32
  std::optional<int> child_type{};  ///< CREATE of this type only
};
[[nodiscard]] latchkey::codec::json::object rules(std::initializer_list<Rule> entries);

/// The content of the contentInstance in a notification; empty if it is something else.
[[nodiscard]] std::string notified_content(const latchkey::codec::RequestPrimitive& notification);
/// Who must answer a verification request, and everything else, with OK.
[[nodiscard]] latchkey::codec::ResponsePrimitive ok(const latchkey::codec::RequestPrimitive& request);

}  // namespace door_lock
