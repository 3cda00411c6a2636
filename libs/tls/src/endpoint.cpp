#include "latchkey/tls/endpoint.h"

#include "session.h"

namespace latchkey::tls {

Session::Session(std::unique_ptr<SessionImpl> impl) : impl_(std::move(impl)) {}

Session::~Session() {
  const State last = impl_->state();
  if (last == State::handshaking || last == State::waiting_for_key) {
    impl_->abandon("connection dropped before the handshake was done");
  }
}

Session::State Session::state() const noexcept { return impl_->state(); }
void Session::receive(ByteView ciphertext) { impl_->receive(ciphertext); }
void Session::start() { impl_->start(); }
Bytes Session::take_output() { return impl_->take_output(); }
std::size_t Session::read(std::span<std::uint8_t> out) { return impl_->read(out); }
Status Session::write(ByteView plaintext) { return impl_->write(plaintext); }
void Session::close() { impl_->close(); }
void Session::abandon(std::string reason) { impl_->abandon(std::move(reason)); }
void Session::on_progress(UniqueFunction<void()> callback) { impl_->on_progress(std::move(callback)); }
const std::string& Session::failure() const noexcept { return impl_->failure(); }
SecurityContextPtr Session::context() const noexcept { return impl_->context(); }

const std::vector<pki::Certificate>& Session::peer_chain() const noexcept {
  static const std::vector<pki::Certificate> none;
  return impl_->chain() ? impl_->chain()->chain : none;
}

Result<SecretBytes> Session::export_key(std::string_view label, std::size_t size) const {
  return impl_->export_key(label, size);
}

std::string Session::key_log_line() const { return impl_->key_log_line(); }

}  // namespace latchkey::tls
