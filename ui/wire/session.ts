/** The caller's credential. Only this file knows where it comes from. */

export type Session = { token: string; userId: string; name: string; accounts: string[]; endsAt: number };

const KEPT = "verbatim.token";

/** A token of this text, or nothing when it is none or has ended. The server checks its signature. */
function read(token: string): Session | undefined {
  try {
    const part = token.split(".")[1] ?? "";
    const bytes = Uint8Array.from(atob(part.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes));
    const endsAt = claims.exp * 1000;
    if (typeof claims.sub !== "string" || !Array.isArray(claims.accounts) || !(endsAt > Date.now())) return undefined;
    return { token, userId: claims.sub, name: claims.name ?? "", accounts: claims.accounts, endsAt };
  } catch {
    return undefined;
  }
}

/** Takes the token out of a link `#token=…` and out of the address at once, or the one that this tab keeps. */
export function restore(): { session: Session | undefined; ended: boolean } {
  const linked = new URLSearchParams(location.hash.slice(1)).get("token");
  if (linked !== null) {
    history.replaceState(null, "", location.pathname);
    return { session: begin(linked), ended: read(linked) === undefined };
  }
  const kept = sessionStorage.getItem(KEPT);
  return { session: kept === null ? undefined : read(kept), ended: kept !== null && read(kept) === undefined };
}

/** Begins a session with a pasted token, or with a pasted link that has one. */
export function begin(text: string): Session | undefined {
  const token = text.trim().replace(/^.*#token=/, "");
  const session = read(token);
  if (session) sessionStorage.setItem(KEPT, token);
  return session;
}

export function end() {
  sessionStorage.removeItem(KEPT);
}
