//! The problems any request may meet. A service adds those of its own rules.

crate::problem_kinds! { COMMON {
    UNREADABLE: BAD_REQUEST "unreadable", "The request cannot be read",
        "Something in the request is not of the form it must have: the JSON is broken, a field is missing, unknown or of another type, an id is not a UUID, a header is malformed. `field` names the place and `detail` says what was expected. Sending the same again fails again.";
    UNAUTHENTICATED: UNAUTHORIZED "unauthenticated", "Nobody knows who is asking",
        "The request carries no valid token. Send `Authorization: Bearer <token>` with a signed, unexpired JWT whose claims are `sub`, `accounts`, `role` and `exp`. For development `verbatim token` makes one.";
    BAD_SIGNATURE: UNAUTHORIZED "bad-signature", "The signature does not match",
        "The webhook's body was not signed with the secret of this channel. Nothing was stored. Check the channel's `app_secret` and that nothing between the provider and Verbatim rewrites the body.";
    FORBIDDEN: FORBIDDEN "forbidden", "You may not do this",
        "The caller is known, and the role or the account in the token is not enough for this request.";
    NOT_FOUND: NOT_FOUND "not-found", "There is no such thing",
        "Nothing in the caller's account has this id or address. What belongs to another account looks the same as what does not exist.";
    METHOD_NOT_ALLOWED: METHOD_NOT_ALLOWED "method-not-allowed", "This address does not know this method",
        "The address exists, and takes other methods: the `Allow` header lists them.";
    CONFLICT: CONFLICT "conflict", "Somebody else was there first",
        "Another request changed the same thing at the same time, or something of this name exists already. Load what is there now and decide again.";
    VERSION_MISMATCH: PRECONDITION_FAILED "version-mismatch", "It has changed since you looked",
        "`If-Match` names a version that is no longer the current one, which `current_version` names. Load it again, decide again, and send the new version.";
    TOO_LARGE: PAYLOAD_TOO_LARGE "too-large", "The body is too large",
        "The request's body is larger than this server takes.";
    UNSUPPORTED_MEDIA_TYPE: UNSUPPORTED_MEDIA_TYPE "unsupported-media-type", "The body is of an unknown kind",
        "Bodies are JSON. Send `Content-Type: application/json`.";
    UNPROCESSABLE: UNPROCESSABLE_ENTITY "unprocessable", "It makes no sense",
        "The request can be read, and what it asks for cannot be: `field` names the part and `detail` the reason.";
    TOO_MANY_REQUESTS: TOO_MANY_REQUESTS "too-many-requests", "Too many requests",
        "More requests came from this caller than are allowed in this time. `Retry-After` says how many seconds to wait.";
    INTERNAL: INTERNAL_SERVER_ERROR "internal", "Verbatim failed",
        "A fault on the server's side. The response's `X-Request-Id` finds it in the log.";
    UNAVAILABLE: SERVICE_UNAVAILABLE "unavailable", "Not just now",
        "The server cannot do this at the moment and expects to be able to later: `Retry-After` says in how many seconds. Nothing that was acknowledged is lost. Commands are safe to repeat with the same `Idempotency-Key`.";
}}
