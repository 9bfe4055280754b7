import { createHash, createHmac } from "node:crypto";
import { Composite, ExceptionValue, NetArray } from "../collections.ts";
import { type Definition, define, type Implementation, Outs } from "../definitions.ts";
import { ExpressionError, exceptionBases, formatError } from "../errors.ts";
import { formatValue } from "../format.ts";
import { readGuid } from "../json-conversions.ts";
import { int } from "../numbers.ts";
import type { Run } from "../run.ts";
import { makeType, type Type, type } from "../types.ts";
import { Guid, NetObject, toText, typeOfValue, type Value } from "../values.ts";
import { argumentError, bytes, bytesValue, enumeration, invalidOperation, on, text, textOrNull } from "./read.ts";

class EncodingValue extends NetObject {
  override readonly type: Type = type("Encoding");
  readonly encoding: "utf8" | "ascii" | "utf16le" | "latin1";

  constructor(encoding: EncodingValue["encoding"]) {
    super();
    this.encoding = encoding;
  }

  bytes(written: string): Buffer {
    if (this.encoding !== "ascii" && this.encoding !== "latin1") return Buffer.from(written, this.encoding);
    const last = this.encoding === "ascii" ? 127 : 255;
    return Buffer.from([...written].map((character) => (character.charCodeAt(0) <= last ? character.charCodeAt(0) : 63)));
  }

  text(buffer: Buffer): string {
    return this.encoding === "ascii" ? buffer.toString("latin1").replaceAll(/[\u0080-\u00ff]/g, "?") : buffer.toString(this.encoding);
  }
}

const encodings = define("Encoding", {
  "static UTF8: Encoding | static Default: Encoding": () => new EncodingValue("utf8"),
  "static ASCII: Encoding": () => new EncodingValue("ascii"),
  "static Unicode: Encoding": () => new EncodingValue("utf16le"),
  "static Latin1: Encoding": () => new EncodingValue("latin1"),
  "GetBytes(string s): byte[]": on(EncodingValue, (self, [, written], run) => bytesValue(self.bytes(text(written, "s")), run)),
  "GetByteCount(string s): int": on(EncodingValue, (self, [, written]) => self.bytes(text(written, "s")).length),
  "GetString(byte[] bytes): string": on(EncodingValue, (self, [, value], run) => run.text(self.text(bytes(value)))),
  "GetString(byte[] bytes, int index, int count): string": on(EncodingValue, (self, [, value, index, count], run) => {
    const [from, length] = [int(index ?? 0), int(count ?? 0)];
    const buffer = bytes(value);
    if (from < 0 || length < 0 || from + length > buffer.length)
      throw new ExpressionError(
        "ArgumentOutOfRangeException",
        "Index and count must refer to a location within the buffer. (Parameter 'bytes')",
      );
    return run.text(self.text(buffer.subarray(from, from + length)));
  }),
});

function wellFormed(written: string): string {
  return written.replaceAll(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd");
}

/** What RFC 3986 leaves alone stays; half of a surrogate pair becomes U+FFFD. */
function escapeData(written: string): string {
  return encodeURIComponent(wellFormed(written)).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** A `%` that begins no escape stays. */
function unescapeData(written: string): string {
  return written.replaceAll(/(?:%[0-9a-fA-F]{2})+/g, (escaped) => Buffer.from(escaped.replaceAll("%", ""), "hex").toString("utf8"));
}

/** .NET's form encoding: a space is `+`, and `!*()-._` stay. */
function urlEncode(written: string): string {
  return escapeData(written)
    .replaceAll("%20", "+")
    .replaceAll("%21", "!")
    .replaceAll("%28", "(")
    .replaceAll("%29", ")")
    .replaceAll("%2A", "*")
    .replaceAll("~", "%7E");
}

const entities = new Map(
  Object.entries({ amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0", copy: "©", reg: "®", euro: "€" }),
);

function htmlEncode(written: string): string {
  const named: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return written.replaceAll(
    /[&<>"'\u00a0-\u00ff]|[\ud800-\udbff][\udc00-\udfff]/g,
    (character) => named[character] ?? `&#${character.codePointAt(0)};`,
  );
}

function htmlDecode(written: string): string {
  return written.replaceAll(/&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|(\w+));/g, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return entities.get(name) ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex ?? "", 16) : Number(decimal);
    return code > 0x10ffff ? whole : String.fromCodePoint(code);
  });
}

/** Of null null. */
function onWritten(change: (written: string) => string): Implementation {
  return ([written], run) => {
    const value = textOrNull(written);
    return value === null ? null : run.text(change(value));
  };
}

const webUtility = {
  "static UrlEncode(string value): string": onWritten(urlEncode),
  "static UrlDecode(string value): string": onWritten((written) => unescapeData(written.replaceAll("+", " "))),
  "static HtmlEncode(string value): string": onWritten(htmlEncode),
  "static HtmlDecode(string value): string": onWritten(htmlDecode),
};

class UriValue extends NetObject {
  override readonly type: Type = type("Uri");
  readonly url: URL;
  readonly written: string;

  constructor(url: URL, written: string) {
    super();
    this.url = url;
    this.written = written;
  }

  override toText(): string {
    return unescapeData(this.url.href);
  }

  override equals(other: Value): boolean {
    return other instanceof UriValue && other.url.href === this.url.href;
  }

  override get key(): unknown {
    return `Uri ${this.url.href}`;
  }
}

function readUri(written: string): UriValue | null {
  return URL.canParse(written) ? new UriValue(new URL(written), written) : null;
}

export function uriOf(written: string): UriValue {
  const uri = readUri(written);
  if (uri === null) throw new ExpressionError("UriFormatException", "Invalid URI: The format of the URI could not be determined.");
  return uri;
}

const ports = new Map(Object.entries({ "http:": 80, "https:": 443, "ws:": 80, "wss:": 443, "ftp:": 21 }));

const uris = define("Uri", {
  "static EscapeDataString(string value): string": ([written], run) => run.text(escapeData(text(written, "stringToEscape"))),
  "static EscapeUriString(string value): string": ([written], run) => run.text(encodeURI(wellFormed(text(written, "stringToEscape")))),
  "static UnescapeDataString(string value): string": ([written], run) => run.text(unescapeData(text(written, "stringToUnescape"))),
  "new(string uri)": ([written]) => uriOf(text(written, "uriString")),
  "new(Uri base, string relative)": ([base, relative]) => {
    if (!(base instanceof UriValue)) throw argumentError("Value cannot be null. (Parameter 'baseUri')");
    const url = new URL(text(relative, "relativeUri"), base.url);
    return new UriValue(url, url.href);
  },
  "AbsolutePath: string": on(UriValue, ({ url }) => url.pathname),
  "AbsoluteUri: string": on(UriValue, ({ url }) => url.href),
  "Authority: string": on(UriValue, ({ url }) => url.host),
  "Fragment: string": on(UriValue, ({ url }) => url.hash),
  "Host: string | DnsSafeHost: string": on(UriValue, ({ url }) => url.hostname),
  "IsAbsoluteUri: bool": () => true,
  "IsDefaultPort: bool": on(UriValue, ({ url }) => url.port === ""),
  "OriginalString: string": on(UriValue, ({ written }) => written),
  "PathAndQuery: string": on(UriValue, ({ url }) => url.pathname + url.search),
  "LocalPath: string": on(UriValue, ({ url }) => unescapeData(url.pathname)),
  "Port: int": on(UriValue, ({ url }) => (url.port === "" ? (ports.get(url.protocol) ?? -1) : Number(url.port))),
  "Query: string": on(UriValue, ({ url }) => url.search),
  "Scheme: string": on(UriValue, ({ url }) => url.protocol.slice(0, -1)),
  "Segments: string[]": on(UriValue, ({ url }) => new NetArray(makeType("string"), url.pathname.match(/[^/]*\/|[^/]+$/g) ?? [])),
  "GetLeftPart(UriPartial part): string": on(UriValue, ({ url }, [, part]) => {
    const start = `${url.protocol}//`;
    return (
      [start, start + url.host, start + url.host + url.pathname, start + url.host + url.pathname + url.search][enumeration(part)] ??
      url.href
    );
  }),
  "ToString(): string": on(UriValue, (self) => self.toText()),
});

/** The byte order of .NET: the first three groups are little-endian. */
function guidBytes(guid: Guid): Buffer {
  const buffer = Buffer.from(guid.digits, "hex");
  return Buffer.concat([
    buffer.subarray(0, 4).reverse(),
    buffer.subarray(4, 6).reverse(),
    buffer.subarray(6, 8).reverse(),
    buffer.subarray(8),
  ]);
}

function randomGuid(run: Run): Guid {
  const buffer = Buffer.from(Array.from({ length: 16 }, () => Math.floor(run.context.random() * 256)));
  buffer.writeUInt8((buffer.readUInt8(6) & 0x0f) | 0x40, 6);
  buffer.writeUInt8((buffer.readUInt8(8) & 0x3f) | 0x80, 8);
  return new Guid(buffer.toString("hex"));
}

function parsedGuid(written: Value | undefined): Guid {
  const guid = readGuid(text(written, "input"));
  if (guid === null) throw formatError("Unrecognized Guid format.");
  return guid;
}

const noGuid = new Guid("0".repeat(32));
const guids = define(
  "Guid",
  {
    "static Empty: Guid": () => noGuid,
    "static NewGuid(): Guid": (_, run) => randomGuid(run),
    "static Parse(string s): Guid | new(string s)": ([written]) => parsedGuid(written),
    "static TryParse(string s, out Guid result): bool": ([written]) => {
      const guid = readGuid(textOrNull(written) ?? "");
      return new Outs(guid !== null, guid ?? noGuid);
    },
    "new(byte[] bytes)": ([value]) => {
      const buffer = bytes(value, "b");
      if (buffer.length !== 16) throw argumentError("Byte array for Guid must be exactly 16 bytes long. (Parameter 'b')");
      return new Guid(guidBytes(new Guid(buffer.toString("hex"))).toString("hex"));
    },
    "ToByteArray(): byte[]": on(Guid, (self, _, run) => bytesValue(guidBytes(self), run)),
    "ToString(): string": on(Guid, (self) => self.toText()),
    "ToString(string format): string": on(Guid, (self, [, format]) => formatValue(self, textOrNull(format) ?? "")),
    "Equals(Guid other): bool": on(Guid, (self, [, other = null]) => self.equals(other)),
  },
  { zero: noGuid },
);

class HashValue extends NetObject {
  override readonly type: Type;
  readonly compute: (data: Buffer) => Buffer;

  constructor(name: string, compute: (data: Buffer) => Buffer) {
    super();
    this.type = makeType(name);
    this.compute = compute;
  }
}

const hashMembers: Readonly<Record<string, Implementation>> = {
  "ComputeHash(byte[] buffer): byte[]": on(HashValue, (self, [, data], run) => bytesValue(self.compute(bytes(data, "buffer")), run)),
};

const hashes = ["MD5", "SHA1", "SHA256", "SHA384", "SHA512"].flatMap((name) => {
  const algorithm = name.toLowerCase();
  const hash = () => new HashValue(name, (data) => createHash(algorithm).update(data).digest());
  return [
    define(name, {
      ...hashMembers,
      [`static Create(): ${name}`]: hash,
      "static HashData(byte[] source): byte[]": ([data], run) => bytesValue(hash().compute(bytes(data, "source")), run),
    }),
    define(`HMAC${name}`, {
      ...hashMembers,
      "new(byte[] key)": ([key]) => {
        const secret = bytes(key, "key");
        return new HashValue(`HMAC${name}`, (data) => createHmac(algorithm, secret).update(data).digest());
      },
    }),
  ];
});

/** A number that is equal for equal values. .NET's own differ from process to process. */
function hashCode(value: Value): number {
  let hash = 0x811c9dc5;
  for (const character of `${value === null ? "" : typeOfValue(value).text} ${toText(value)}`)
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return hash | 0;
}

const objects = define("object", {
  "static Equals(object a, object b): bool": ([one = null, other = null]) => same(one, other),
  "static ReferenceEquals(object a, object b): bool": ([one, other]) => one === other,
  "Equals(object other): bool": ([self = null, other = null]) => same(self, other),
  "GetHashCode(): int": ([self = null]) => (typeof self === "number" ? self : typeof self === "boolean" ? Number(self) : hashCode(self)),
  "ToString(): string": ([self = null], run) => run.text(toText(self)),
});

function same(one: Value, other: Value): boolean {
  return one instanceof NetObject ? one.equals(other) : one === other;
}

const nullables = define("Nullable<T>", {
  "HasValue: bool": ([self]) => self !== null,
  "Value: T": ([self = null]) => {
    if (self === null) throw invalidOperation("Nullable object must have a value.");
    return self;
  },
  "GetValueOrDefault(): T": ([self = null], run, bindings) => self ?? run.library.get(bindings.get("T")?.name ?? "")?.zero ?? null,
  "GetValueOrDefault(T value): T": ([self = null, value = null]) => self ?? value,
  "ToString(): string": ([self = null]) => toText(self),
  "Equals(object other): bool": ([self = null, other = null]) => same(self, other),
});

const exceptions = [...exceptionBases].map(([name, base]) =>
  define(
    name,
    base === null
      ? {
          "Message: string": on(ExceptionValue, (self) => self.message),
          "InnerException: Exception": on(ExceptionValue, (self) => self.inner),
          "ToString(): string": on(ExceptionValue, (self) => self.toText()),
        }
      : {},
    base === null ? {} : { bases: [base] },
  ),
);

const tuples = define("Tuple", {
  "static Create<A>(A a): ()<A>": (values) => new Composite(tupleType(values), values),
  "static Create<A, B>(A a, B b): (,)<A, B>": (values) => new Composite(tupleType(values), values),
  "static Create<A, B, C>(A a, B b, C c): (,,)<A, B, C>": (values) => new Composite(tupleType(values), values),
});

function tupleType(values: readonly Value[]): Type {
  return makeType(
    `(${",".repeat(values.length - 1)})`,
    values.map((value) => (value === null ? makeType("object") : typeOfValue(value))),
  );
}

const environment = define("Environment", {
  // Assumed: the gateway runs on Linux.
  "static NewLine: string": () => "\n",
});

export const webDefinitions: readonly Definition[] = [
  encodings,
  define("WebUtility", webUtility),
  uris,
  guids,
  ...hashes,
  objects,
  nullables,
  ...exceptions,
  tuples,
  environment,
];
