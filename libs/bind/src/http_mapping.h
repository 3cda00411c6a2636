#pragma once
/// The mapping between primitives and HTTP messages (TS-0009 6), both ways. Pure functions, thread-safe: no
/// socket, no clock. The server reads requests and writes responses, the client the reverse.
#include <optional>
#include <string>
#include <string_view>

#include "http_head.h"
#include "http_text.h"
#include "latchkey/codec/primitive.h"

namespace latchkey::bind {

// --- request, read by a server

struct RequestMapping {
  std::string_view path_prefix;  ///< of the pointOfAccess; removed
  std::string_view host_fqdn;    ///< MAF: "/-/x" means "//<host_fqdn>/-/x"; empty: no MAF
  TimePoint now{};               ///< relative times count from here
  codec::PrimitiveLimits limits;
};

/// A request whose head has been read. With a refusal, `primitive` holds what an answer has to echo.
struct MappedRequest {
  codec::RequestPrimitive primitive;
  Media answer_media = Media::json;
  std::optional<codec::Refusal> refusal;
  bool content_allowed = false;  ///< Create, Update, Notify
};
/// Everything but the content. bad_request, naming the field or the part of the target, for what is
/// malformed, missing or given twice; unsupported_media_type (4015), not_acceptable (5207),
/// operation_not_allowed for another method than POST, GET, PUT and DELETE; not_found outside path_prefix.
[[nodiscard]] MappedRequest map_request_head(const RequestHead& head, const RequestMapping& mapping);
/// Adds the content. bad_request when it is no JSON object of one member, or stands where none may.
[[nodiscard]] codec::Outcome<void> map_request_body(MappedRequest& request, std::string_view body,
                                                    const codec::PrimitiveLimits& limits);

// --- response, written by a server

struct ResponseForm {
  Media media = Media::json;
  bool close = false;                ///< announces the end of the connection
  bool without_body = false;         ///< answer to HEAD
  int http_status = 0;               ///< 0: the one of the Response Status Code (TS-0009 6.3.2)
  unsigned retry_after_seconds = 0;  ///< 0: no Retry-After
};
/// Appends head and body to `out`. invalid_argument, with `out` unchanged, if a parameter holds what would
/// end its header field (CR, LF, other controls) or cannot be carried.
[[nodiscard]] Status write_response(std::string& out, const codec::ResponsePrimitive& response,
                                    const ResponseForm& form);

// --- request, written by a client

struct RequestTarget {
  std::string_view host;         ///< Host header
  std::string_view path_prefix;  ///< of the pointOfAccess; empty, or from "/" on without a last "/"
};
/// Appends head and body to `out`. A `to` that is an http or https URL (a notification target) gives path and
/// query itself. invalid_argument as above.
[[nodiscard]] Status write_request(std::string& out, const codec::RequestPrimitive& request,
                                   const RequestTarget& target);

// --- response, read by a client

/// `request_id` is the identifier of the request. A peer that sends no X-M2M-RSC is mapped by its HTTP
/// status, and its answer carries content only if that is an object of one member. Refusal: malformed, or an
/// answer to another request.
[[nodiscard]] codec::Outcome<codec::ResponsePrimitive> map_response(const ResponseHead& head,
                                                                    std::string_view body,
                                                                    std::string_view request_id,
                                                                    const codec::PrimitiveLimits& limits);

// --- shared pieces, public for their tests

/// Path of a request target, without prefix and query, to the To parameter (TS-0009 6.2.2.1).
[[nodiscard]] codec::Outcome<std::string> to_from_path(std::string_view path, std::string_view host_fqdn,
                                                       const codec::PrimitiveLimits& limits);
/// The reverse. invalid_argument for a `to` that has no form as a path.
[[nodiscard]] Result<std::string> path_from_to(std::string_view to);
/// Authorization (TS-0009 6.4.19): oneM2M tokens joined by '+', no scheme word.
[[nodiscard]] codec::Outcome<std::vector<std::string>> tokens_from_authorization(
    std::string_view value, const codec::PrimitiveLimits& limits);
/// Assigned Token Identifiers as "lti:tkid + lti:tkid" and as JSON {"ltia": [{"lti", "tkid"}]}.
[[nodiscard]] std::optional<codec::json::value> ati_from_text(std::string_view text);
[[nodiscard]] std::optional<std::string> ati_to_text(const codec::json::value& ati);

}  // namespace latchkey::bind
