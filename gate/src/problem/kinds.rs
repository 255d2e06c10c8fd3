//! The kinds of problem that every route can return. Each service adds the kinds of its own rules.

crate::problem_kinds! { COMMON {
    UNREADABLE: BAD_REQUEST "unreadable", "The request cannot be read",
        "A part of the request does not have the required form: the JSON is malformed, a field is missing, unknown or of another type, an id is not a UUID, or a header is malformed. `field` names the part and `detail` says what was expected. The same request fails again.";
    UNAUTHENTICATED: UNAUTHORIZED "unauthenticated", "The request is not authenticated",
        "The request carries no valid token. Send `Authorization: Bearer <token>` with a signed, unexpired JWT whose claims are `sub`, `accounts`, `role` and `exp`. For development, `verbatim token` creates one.";
    BAD_SIGNATURE: UNAUTHORIZED "bad-signature", "The signature does not match",
        "The webhook's body is not signed with the secret of this channel. Nothing was stored. Check the channel's `app_secret`, and check that no proxy between the provider and Verbatim changes the body.";
    FORBIDDEN: FORBIDDEN "forbidden", "The caller lacks the permission",
        "The caller is authenticated, and the role or the accounts in the token do not allow this request.";
    NOT_FOUND: NOT_FOUND "not-found", "Not found",
        "The caller's account has nothing with this id or path. A resource of another account and a resource that does not exist get the same response.";
    METHOD_NOT_ALLOWED: METHOD_NOT_ALLOWED "method-not-allowed", "The path does not support this method",
        "The path exists and supports other methods. The `Allow` header lists them.";
    CONFLICT: CONFLICT "conflict", "Another request was first",
        "Another request changed the same resource at the same time, or the name is in use already. Load the current state and decide again.";
    VERSION_MISMATCH: PRECONDITION_FAILED "version-mismatch", "The resource has another version",
        "`If-Match` names a version that is not the current one. `current_version` is the current one. For a conversation `changes` has the newest events since your version, with who did what and when, and `change_count` their number. Load the resource again, decide again, and send the new version.";
    TOO_LARGE: PAYLOAD_TOO_LARGE "too-large", "The body is too large",
        "The request's body is larger than this server accepts.";
    UNSUPPORTED_MEDIA_TYPE: UNSUPPORTED_MEDIA_TYPE "unsupported-media-type", "The body has an unsupported media type",
        "Bodies are JSON. Send `Content-Type: application/json`.";
    UNPROCESSABLE: UNPROCESSABLE_ENTITY "unprocessable", "The request is invalid",
        "The request can be read, and it asks for something impossible. `field` names the part and `detail` has the reason.";
    TOO_MANY_REQUESTS: TOO_MANY_REQUESTS "too-many-requests", "Too many requests",
        "This caller sent more requests than the rate limit allows. `Retry-After` is the number of seconds to wait.";
    INTERNAL: INTERNAL_SERVER_ERROR "internal", "Internal error",
        "An error of the server. The `X-Request-Id` of the response identifies the request in the log.";
    UNAVAILABLE: SERVICE_UNAVAILABLE "unavailable", "Temporarily unavailable",
        "The server cannot handle the request at the moment and expects to be able to later. `Retry-After` is the number of seconds to wait. Nothing that was acknowledged is lost. A command can be repeated safely with the same `Idempotency-Key`.";
}}
