import { NetArray } from "../collections.ts";
import { DateTime, ticksOfUnixMilliseconds } from "../dates.ts";
import { type Definition, define, Outs } from "../definitions.ts";
import { type Type, type, types } from "../types.ts";
import { NetObject, type Value } from "../values.ts";
import { JwtValue, type JwtView } from "../views.ts";
import { ContextMap } from "./context-maps.ts";
import { on, textOrNull } from "./read.ts";

class BasicValue extends NetObject {
  override readonly type: Type = type("BasicAuthCredentials");
  readonly user: string;
  readonly password: string;

  constructor(user: string, password: string) {
    super();
    this.user = user;
    this.password = password;
  }
}

/** Null where a text is no `Basic` header value. */
function readBasic(written: string): BasicValue | null {
  const [, encoded] = /^\s*Basic\s+([A-Za-z0-9+/]+=*)\s*$/i.exec(written) ?? [];
  const [, user, password] = /^([^:]*):([\s\S]*)$/.exec(Buffer.from(encoded ?? "", "base64").toString("utf8")) ?? [];
  return user === undefined || password === undefined ? null : new BasicValue(user, password);
}

/** The header and the claims of a token, unverified; null where a text is none. */
function readJwt(written: string): JwtView | null {
  const parts = written
    .trim()
    .replace(/^Bearer\s+/i, "")
    .split(".");
  const [header, payload] = parts.slice(0, 2).map(objectIn);
  return parts.length !== 3 || header === null || header === undefined || payload === null || payload === undefined
    ? null
    : { header, payload };
}

function objectIn(part: string): Readonly<Record<string, unknown>> | null {
  try {
    const read: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return typeof read === "object" && read !== null && !Array.isArray(read) ? Object.fromEntries(Object.entries(read)) : null;
  } catch {
    return null;
  }
}

/** Every claim is a list of texts; what is an object stays JSON. */
function claim(value: unknown): NetArray {
  const values = Array.isArray(value) ? value : [value];
  return new NetArray(
    types.string,
    values.map((each) => (typeof each === "string" ? each : JSON.stringify(each))),
  );
}

function claims({ payload }: JwtView): ContextMap {
  return new ContextMap(
    "Lists",
    (name) => (Object.hasOwn(payload, name) ? claim(payload[name]) : undefined),
    () => Object.entries(payload).map(([name, value]) => [name, claim(value)] as const),
  );
}

function written(from: Readonly<Record<string, unknown>>, name: string): string | null {
  const value = Object.hasOwn(from, name) ? from[name] : undefined;
  return typeof value === "string" ? value : null;
}

function moment({ payload }: JwtView, name: string): Value {
  const seconds = Object.hasOwn(payload, name) ? payload[name] : undefined;
  return typeof seconds === "number" && Number.isFinite(seconds)
    ? new DateTime(ticksOfUnixMilliseconds(BigInt(Math.trunc(seconds)) * 1000n), "Utc")
    : null;
}

const tokens = define("Jwt", {
  "Algorithm: string": on(JwtValue, ({ view }) => written(view.header, "alg")),
  "Audiences: IEnumerable<string>": on(JwtValue, ({ view }) =>
    Object.hasOwn(view.payload, "aud") ? claim(view.payload.aud) : new NetArray(types.string, []),
  ),
  "Claims: Lists": on(JwtValue, ({ view }) => claims(view)),
  "ExpirationTime: DateTime?": on(JwtValue, ({ view }) => moment(view, "exp")),
  "Id: string": on(JwtValue, ({ view }) => written(view.payload, "jti")),
  "Issuer: string": on(JwtValue, ({ view }) => written(view.payload, "iss")),
  "IssuedAt: DateTime?": on(JwtValue, ({ view }) => moment(view, "iat")),
  "NotBefore: DateTime?": on(JwtValue, ({ view }) => moment(view, "nbf")),
  "Subject: string": on(JwtValue, ({ view }) => written(view.payload, "sub")),
  "Type: string": on(JwtValue, ({ view }) => written(view.header, "typ")),
});

const basics = define("BasicAuthCredentials", {
  "Password: string": on(BasicValue, ({ password }) => password),
  "UserId: string | Username: string": on(BasicValue, ({ user }) => user),
});

function jwtOf(value: Value | undefined): JwtValue | null {
  const view = readJwt(textOrNull(value) ?? "");
  return view === null ? null : new JwtValue(view);
}

/** What the gateway adds to strings: null, or false, where a text is no such credential. */
const extensions = define(
  "CredentialText",
  {
    "AsBasic(): BasicAuthCredentials": ([self]) => readBasic(textOrNull(self) ?? ""),
    "TryParseBasic(out BasicAuthCredentials result): bool": ([self]) => {
      const basic = readBasic(textOrNull(self) ?? "");
      return new Outs(basic !== null, basic);
    },
    "AsJwt(): Jwt": ([self]) => jwtOf(self),
    "TryParseJwt(out Jwt result): bool": ([self]) => {
      const jwt = jwtOf(self);
      return new Outs(jwt !== null, jwt);
    },
  },
  { areExtensions: true },
);

export const credentialDefinitions: readonly Definition[] = [tokens, basics, extensions];
