/** Who the caller is, and with which credential. Only this file knows where it comes from. */
import createClient from "openapi-fetch";
import type { components, paths } from "./api";

/** With a token, or with the cookie of a session, whose requests repeat `csrf`. */
export type Session = {
  userId: string;
  name: string;
  /** The ids of the accounts, and the names of those that have one. */
  accounts: string[];
  accountNames: Record<string, string>;
  endsAt: number;
  token?: string;
  csrf?: string;
  /** The role in each account. */
  roles: Record<string, string>;
  /** Whether the person who signed in can set a password without the present one. */
  maySetPassword: boolean;
};
type Problem = components["schemas"]["Problem"];
type Answer = components["schemas"]["Session"];
export type Invitation = components["schemas"]["Invitation"];
export type Outcome<T> = { value: T; problem?: undefined } | { value?: undefined; problem: Problem };

const KEPT = "verbatim.token";
const api = createClient<paths>();

/** A token of this text, or nothing when it is none or has ended. The server checks its signature. */
function read(token: string): Session | undefined {
  try {
    const part = token.split(".")[1] ?? "";
    const bytes = Uint8Array.from(atob(part.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes));
    const endsAt = claims.exp * 1000;
    if (typeof claims.sub !== "string" || !Array.isArray(claims.accounts) || !(endsAt > Date.now())) return undefined;
    const named = { userId: claims.sub, name: claims.name ?? "", accounts: claims.accounts, accountNames: {} };
    const roles = Object.fromEntries(claims.accounts.map((account: string) => [account, String(claims.role)]));
    return { ...named, endsAt, token, roles, maySetPassword: false };
  } catch {
    return undefined;
  }
}

function ofPerson(answer: Answer): Session {
  const ids = answer.accounts.map((account) => account.account_id);
  const first = answer.accounts[0];
  return {
    userId: answer.user_id,
    name: first?.name ?? first?.email ?? "",
    accounts: ids,
    accountNames: Object.fromEntries(answer.accounts.map(({ account_id, account_name }) => [account_id, account_name ?? account_id])),
    endsAt: Date.parse(answer.expires_at),
    csrf: answer.csrf_token,
    roles: Object.fromEntries(answer.accounts.map(({ account_id, role }) => [account_id, role])),
    maySetPassword: answer.may_set_password,
  };
}

/** The headers that a request of this session needs. */
export function credentials(session: Session): Record<string, string> {
  return session.token ? { Authorization: `Bearer ${session.token}` } : { "X-CSRF-Token": session.csrf ?? "" };
}

/** What the part of the address after `#` is for. It is taken out of the address at once when it is a secret. */
export function linked(): { kind: "token" | "sign-in" | "join"; text: string } | undefined {
  const parameters = new URLSearchParams(location.hash.slice(1));
  for (const kind of ["token", "sign-in", "join"] as const) {
    const text = parameters.get(kind);
    if (text === null) continue;
    history.replaceState(null, "", location.pathname);
    return { kind, text };
  }
  return undefined;
}

/** The session of the token that this tab keeps, and whether it has ended. */
export function kept(): { session: Session | undefined; ended: boolean } {
  const token = sessionStorage.getItem(KEPT);
  const session = token === null ? undefined : read(token);
  return { session, ended: token !== null && session === undefined };
}

/** Begins a session with a pasted token, or with a pasted link that has one. */
export function begin(text: string): Session | undefined {
  const token = text.trim().replace(/^.*#token=/, "");
  const session = read(token);
  if (session) sessionStorage.setItem(KEPT, token);
  return session;
}

/** Waits for the answer. A server that cannot be reached is a problem too. */
async function asked<T>(answer: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<Outcome<T>> {
  try {
    const { data, error, response } = await answer;
    if (response.ok) return { value: data as T };
    const problem = (error ?? {}) as Partial<Problem>;
    return { problem: { type: "", title: response.statusText, status: response.status, ...problem } as Problem };
  } catch {
    return { problem: { type: "/problems/unreachable", title: "", status: 0 } as Problem };
  }
}

async function begun(answer: Promise<{ data?: Answer; error?: unknown; response: Response }>): Promise<Outcome<Session>> {
  const { value, problem } = await asked(answer);
  if (problem) return { problem };
  sessionStorage.removeItem(KEPT);
  return { value: ofPerson(value) };
}

/** The session of the browser's cookie. */
export function current(): Promise<Outcome<Session>> {
  return begun(api.GET("/v1/session"));
}

export function signIn(email: string, password: string): Promise<Outcome<Session>> {
  return begun(api.POST("/v1/session", { body: { email, password } }));
}

export function signInByLink(link: string): Promise<Outcome<Session>> {
  return begun(api.POST("/v1/session", { body: { link } }));
}

export function preview(link: string): Promise<Outcome<Invitation>> {
  return asked(api.POST("/v1/invitations/preview", { body: { link } }));
}

export function accept(link: string, name: string, password: string): Promise<Outcome<Session>> {
  return begun(api.POST("/v1/invitations/accept", { body: { link, name, password } }));
}

/** Ends the session, here and at the server. */
export async function end(session: Session | undefined) {
  sessionStorage.removeItem(KEPT);
  if (session?.csrf) await asked(api.DELETE("/v1/session", { headers: credentials(session) }));
}

/** What a person reads of a problem. */
export function sentence(problem: Problem, unreachable: string): string {
  return problem.status === 0 ? unreachable : (problem.detail ?? problem.title);
}
