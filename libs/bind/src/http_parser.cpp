#include "http_parser.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <utility>

#include "http_text.h"

namespace latchkey::bind {
namespace {

namespace http = boost::beast::http;
using BeastView = boost::beast::string_view;
using boost::system::error_code;

/// Digits of a chunk size: four gigabytes, more than any limit of a body.
constexpr std::size_t kChunkSizeDigitsMax = 8;
/// The first piece of a body reserves no more than this, whatever Content-Length says.
constexpr std::size_t kBodyReserveMax = 16U << 10U;

std::string_view view(BeastView text) noexcept { return {text.data(), text.size()}; }

HttpError error_of(const error_code& code, const ParserLimits& limits) {
  const auto is = [&code](http::error error) { return code == http::make_error_code(error); };
  if (is(http::error::body_limit)) {
    return {413, "content: longer than " + std::to_string(limits.body_octets) + " octets"};
  }
  if (is(http::error::header_limit)) {
    return {431, "header: longer than " + std::to_string(limits.header_octets) + " octets"};
  }
  if (is(http::error::bad_content_length) || is(http::error::multiple_content_length)) {
    return {400, "Content-Length: malformed, given twice, or beside Transfer-Encoding"};
  }
  if (is(http::error::bad_transfer_encoding)) {
    return {400, "Transfer-Encoding: given twice, or beside Content-Length"};
  }
  if (is(http::error::bad_version)) return {400, "request line: the version is not HTTP/1.1 or HTTP/1.0"};
  if (is(http::error::partial_message)) return {400, "message: the connection ended inside it"};
  return {400, "message: " + code.message()};
}

/// Line ends and folds over the whole head, before any of it is understood: what two parsers could read in
/// two ways is refused (RFC 9112 2.2, 5.2).
std::optional<HttpError> check_lines(std::string_view head) {
  for (auto at = head.find('\n'); at != std::string_view::npos; at = head.find('\n', at + 1)) {
    if (at == 0 || head[at - 1] != '\r') return HttpError{400, "header: a line that does not end in CR LF"};
    const bool folded = at + 1 < head.size() && (head[at + 1] == ' ' || head[at + 1] == '\t');
    if (folded) return HttpError{400, "header: a folded field (obs-fold)"};
  }
  return std::nullopt;
}

/// What stands between two chunks, in the one form that is accepted: no extension, no trailer field.
struct ChunkHeader {
  std::size_t octets = 0;  ///< 0: not whole yet
  const char* defect = nullptr;
};

/// Takes `token` off the front of `rest`: false while it is not there but may still come.
bool take(std::string_view& rest, std::string_view token, const char* otherwise, ChunkHeader& header) {
  if (rest.starts_with(token)) {
    rest.remove_prefix(token.size());
    return true;
  }
  if (!token.starts_with(rest)) header.defect = otherwise;
  return false;
}

/// Beast asserts on some broken last chunks, so that it is given whole and well-formed chunk headers only.
/// RFC 9112 7.1 lets a recipient ignore extensions and trailer fields; parsers that end them differently are
/// an attack.
ChunkHeader read_chunk_header(std::string_view data, bool first) {
  ChunkHeader header;
  std::string_view rest = data;
  if (!first && !take(rest, "\r\n", "content: a chunk that does not end in CR LF", header)) return header;
  const auto digits = std::min(rest.find_first_not_of("0123456789abcdefABCDEF"), rest.size());
  const bool last = digits > 0 && rest.substr(0, digits).find_first_not_of('0') == std::string_view::npos;
  if (digits > kChunkSizeDigitsMax || (digits == 0 && !rest.empty())) {
    header.defect = "content: malformed chunk size";
    return header;
  }
  rest.remove_prefix(digits);
  if (digits == 0) return header;
  const bool extended = rest.starts_with(';') || rest.starts_with(' ') || rest.starts_with('\t');
  const char* const what =
      extended ? "content: chunk extensions are not accepted" : "content: malformed chunk size";
  if (!take(rest, "\r\n", what, header)) return header;
  if (last && !take(rest, "\r\n", "content: trailer fields are not accepted", header)) return header;
  header.octets = data.size() - rest.size();
  return header;
}

}  // namespace

struct MessageParser::Impl {
  explicit Impl(const ParserLimits& parser_limits) : limits(parser_limits) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  virtual ~Impl() = default;
  virtual std::size_t feed(std::string_view data, error_code& code) = 0;
  virtual void feed_eof(error_code& code) = 0;
  [[nodiscard]] virtual bool is_done() const = 0;
  [[nodiscard]] virtual bool is_head_done() const = 0;
  [[nodiscard]] virtual bool is_keep_alive() const = 0;

  [[nodiscard]] std::size_t put_head(std::string_view data);
  [[nodiscard]] std::size_t put_body(std::string_view data);
  void refuse(HttpError what) {
    if (!error) error = std::move(what);
  }

  ParserLimits limits;
  std::optional<HttpError> error;
  RequestHead request;
  ResponseHead response;
  std::string body;
  std::uint64_t chunk_left = 0;  ///< of the chunk that is being read
  bool first_chunk = true;
  bool has_chunks = false;
  bool dropping = false;
};

namespace {

template <bool IsRequest>
class BeastParser final : public MessageParser::Impl, private http::basic_parser<IsRequest> {
  using Base = http::basic_parser<IsRequest>;

 public:
  explicit BeastParser(const ParserLimits& parser_limits) : Impl(parser_limits) {
    this->header_limit(static_cast<std::uint32_t>(parser_limits.header_octets));
    this->body_limit(parser_limits.body_octets);
  }

  std::size_t feed(std::string_view data, error_code& code) override {
    return Base::put(boost::asio::buffer(data.data(), data.size()), code);
  }
  void feed_eof(error_code& code) override {
    if (Base::got_some()) {
      Base::put_eof(code);
    } else {
      code = http::make_error_code(http::error::end_of_stream);
    }
  }
  [[nodiscard]] bool is_done() const override { return Base::is_done(); }
  [[nodiscard]] bool is_head_done() const override { return Base::is_header_done(); }
  [[nodiscard]] bool is_keep_alive() const override { return Base::keep_alive(); }

 private:
  /// Our refusals take the place of Beast's, which the error code only carries out of its parser.
  void stop(HttpError what, error_code& code) {
    this->refuse(std::move(what));
    code = http::make_error_code(http::error::bad_field);
  }

  void on_request_impl(http::verb, BeastView method, BeastView target, int version,
                       error_code& code) override {
    code = {};
    version_ = version;
    this->request.method = view(method);
    this->request.target = view(target);
  }
  void on_response_impl(int status, BeastView, int version, error_code& code) override {
    code = {};
    version_ = version;
    this->response.status = status;
  }

  void on_field_impl(http::field known, BeastView name, BeastView value, error_code& code) override {
    code = {};
    if (++fields_ > this->limits.header_fields) {
      return stop({431, "header: more than " + std::to_string(this->limits.header_fields) + " fields"}, code);
    }
    if (known == http::field::content_length) return check_length(view(value), code);
    if (known == http::field::transfer_encoding) return check_coding(view(value), code);
    Fields& into = IsRequest ? this->request.fields : this->response.fields;
    into.add(field_of(view(name)), view(value));
  }
  void check_length(std::string_view value, error_code& code) {
    if (std::exchange(has_length_, true)) return stop({400, "Content-Length: given twice"}, code);
    const bool digits = std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
    if (!digits) stop({400, "Content-Length: not a number"}, code);
  }
  void check_coding(std::string_view value, error_code& code) {
    if (std::exchange(has_coding_, true)) return stop({400, "Transfer-Encoding: given twice"}, code);
    // RFC 9112 6.1: in HTTP/1.0 the framing is in doubt.
    if (version_ < 11) return stop({400, "Transfer-Encoding: not in HTTP/1.0"}, code);
    if (!equals_folded(value, "chunked")) stop({400, "Transfer-Encoding: only chunked is offered"}, code);
  }

  void on_header_impl(error_code& code) override {
    code = {};
    if (has_length_ && has_coding_) return stop({400, "Transfer-Encoding: beside Content-Length"}, code);
    this->request.keep_alive = Base::keep_alive();
    this->has_chunks = Base::chunked();
    this->request.has_body = Base::chunked() || Base::content_length().value_or(0) > 0;
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code& code) override {
    code = {};
    if (this->dropping || !length) return;
    this->body.reserve(std::min(static_cast<std::size_t>(*length), kBodyReserveMax));
  }
  std::size_t on_body_impl(BeastView part, error_code& code) override {
    code = {};
    if (!this->dropping) this->body += view(part);
    return part.size();
  }
  void on_chunk_header_impl(std::uint64_t size, BeastView, error_code& code) override {
    code = {};
    this->chunk_left = size;
    this->first_chunk = false;
  }
  std::size_t on_chunk_body_impl(std::uint64_t, BeastView part, error_code& code) override {
    this->chunk_left -= part.size();
    return on_body_impl(part, code);
  }
  void on_finish_impl(error_code& code) override { code = {}; }

  int version_ = 11;
  std::size_t fields_ = 0;
  bool has_length_ = false;
  bool has_coding_ = false;
};

}  // namespace

MessageParser::MessageParser(Kind kind, const ParserLimits& limits) {
  if (kind == Kind::request) {
    impl_ = std::make_unique<BeastParser<true>>(limits);
  } else {
    impl_ = std::make_unique<BeastParser<false>>(limits);
  }
}

MessageParser::~MessageParser() = default;

std::size_t MessageParser::put(std::string_view data) {
  if (impl_->error || impl_->is_done()) return 0;
  return impl_->is_head_done() ? impl_->put_body(data) : impl_->put_head(data);
}

std::size_t MessageParser::Impl::put_head(std::string_view data) {
  const auto end = data.find("\r\n\r\n");
  const std::size_t size = end == std::string_view::npos ? data.size() : end + 4;
  if (size > limits.header_octets) {
    refuse(error_of(http::make_error_code(http::error::header_limit), limits));
  } else if (end != std::string_view::npos) {
    if (auto bad = check_lines(data.substr(0, size))) refuse(*std::move(bad));
  }
  if (error || end == std::string_view::npos) return 0;
  error_code code;
  const std::size_t used = feed(data.substr(0, size), code);
  if (code) refuse(error_of(code, limits));
  return used;
}

std::size_t MessageParser::Impl::put_body(std::string_view data) {
  std::size_t used = 0;
  error_code code;
  while (!code && !is_done() && used < data.size()) {
    std::string_view part = data.substr(used);
    if (has_chunks && chunk_left == 0) {
      const ChunkHeader header = read_chunk_header(part, first_chunk);
      if (header.defect != nullptr) refuse({400, header.defect});
      if (header.octets == 0) return used;
      part = part.substr(0, header.octets);
    }
    const std::size_t taken = feed(part, code);
    if (taken == 0) break;  // nothing can come of the same octets again
    used += taken;
  }
  if (code) refuse(error_of(code, limits));
  return used;
}

void MessageParser::put_eof() {
  if (impl_->error || impl_->is_done()) return;
  error_code code;
  impl_->feed_eof(code);
  if (code) impl_->refuse(error_of(code, impl_->limits));
}

const std::optional<HttpError>& MessageParser::error() const noexcept { return impl_->error; }
bool MessageParser::head_done() const noexcept { return impl_->is_head_done() && !impl_->error; }
bool MessageParser::done() const noexcept { return impl_->is_done() && !impl_->error; }
const RequestHead& MessageParser::request() const noexcept { return impl_->request; }
const ResponseHead& MessageParser::response() const noexcept { return impl_->response; }
bool MessageParser::keep_alive() const noexcept { return impl_->is_keep_alive(); }
void MessageParser::skip_body() noexcept { impl_->dropping = true; }
std::string MessageParser::take_body() noexcept { return std::move(impl_->body); }

}  // namespace latchkey::bind
