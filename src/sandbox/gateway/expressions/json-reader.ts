import { DateTime, ticksOfParts } from "./dates.ts";
import { ExpressionError } from "./errors.ts";
import { JArray, JObject, JProperty, type JToken, JValue } from "./json.ts";
import { Double } from "./values.ts";

/** Newtonsoft's `MaxDepth`. */
const deepest = 64;
const isoDate = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,7})\d*)?(Z|[-+]\d\d:?\d\d)?$/;

interface Reading {
  readonly text: string;
  readonly at: number;
}

/**
 * A JSON text as Newtonsoft reads it: strict JSON, and beyond it single quotes, names without quotes, comments and a comma too many. Texts
 * in the form of an ISO 8601 date and time become dates (https://www.newtonsoft.com/json/help/html/DatesInJSON.htm).
 * Assumed: `Body.As<JObject>()` reads with these defaults. Throws `ExpressionError`.
 */
export function readJson(text: string): JToken {
  const reader = new Reader(text);
  const token = reader.value(0);
  reader.end();
  return token;
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): JToken {
    if (depth > deepest) throw this.#error(`The reader's MaxDepth of ${deepest} has been exceeded.`);
    const character = this.#next();
    if (character === "{") return this.#object(depth);
    if (character === "[") return this.#array(depth);
    if (character === '"' || character === "'") return new JValue(dateOrText(this.#string(character)));
    return this.#literal();
  }

  end(): void {
    if (this.#next() === "") return;
    throw this.#error(`Additional text encountered after finished reading JSON content: ${this.#text[this.#at]}.`);
  }

  #object(depth: number): JObject {
    const object = new JObject();
    this.#at++;
    while (this.#next() !== "}") {
      const name = this.#name();
      if (this.#next() !== ":")
        throw this.#error(`Invalid character after parsing property name. Expected ':' but got: ${this.#text[this.#at] ?? ""}.`);
      this.#at++;
      const value = this.value(depth + 1);
      // The last of two equal names counts.
      object.remove(name);
      object.add(new JProperty(name, value));
      this.#comma("}");
    }
    this.#at++;
    return object;
  }

  #array(depth: number): JArray {
    const array = new JArray();
    this.#at++;
    while (this.#next() !== "]") {
      array.add(this.value(depth + 1));
      this.#comma("]");
    }
    this.#at++;
    return array;
  }

  #comma(close: string): void {
    const character = this.#next();
    if (character === ",") this.#at++;
    else if (character === "") throw this.#error("Unexpected end of content.");
    else if (character !== close) throw this.#error(`After parsing a value an unexpected character was encountered: ${character}.`);
  }

  #name(): string {
    const character = this.#next();
    if (character === '"' || character === "'") return this.#string(character);
    const name = this.#match(/[\w$]+/y);
    if (name === null)
      throw this.#error(character === "" ? "Unexpected end when reading JSON." : `Invalid property identifier character: ${character}.`);
    return name;
  }

  #string(quote: string): string {
    const parts: string[] = [];
    let from = ++this.#at;
    for (;;) {
      const character = this.#text[this.#at];
      if (character === undefined) throw this.#error(`Unterminated string. Expected delimiter: ${quote}.`);
      if (character === quote || character === "\\") {
        parts.push(this.#text.slice(from, this.#at));
        this.#at++;
        if (character === quote) return parts.length === 1 ? (parts[0] ?? "") : parts.join("");
        parts.push(this.#escape());
        from = this.#at;
      } else this.#at++;
    }
  }

  #escape(): string {
    const character = this.#text[this.#at++] ?? "";
    const simple = escapes.get(character);
    if (simple !== undefined) return simple;
    const digits = this.#text.slice(this.#at, this.#at + 4);
    if (character !== "u" || !/^[0-9a-fA-F]{4}$/.test(digits)) throw this.#error(`Bad JSON escape sequence: \\${character}.`);
    this.#at += 4;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  #literal(): JValue {
    const word = this.#match(/[-+\w.]+/y) ?? "";
    const known = words.get(word);
    if (known !== undefined) return new JValue(known);
    if (/^-?\d+$/.test(word)) {
      const integer = BigInt(word);
      if (integer === BigInt.asIntN(64, integer)) return new JValue(integer);
      throw new ExpressionError("NotSupportedException", "Integers of more than 64 bits are not supported in the sandbox.");
    }
    if (/^-?\d*\.?\d+(?:[eE][-+]?\d+)?$/.test(word)) return new JValue(new Double(Number(word)));
    this.#at -= word.length;
    const character = this.#text[this.#at];
    throw this.#error(
      character === undefined ? "Unexpected end of content." : `Unexpected character encountered while parsing value: ${character}.`,
    );
  }

  /** The next character that is neither white space nor in a comment; empty at the end. */
  #next(): string {
    this.#match(/(?:\s|\/\*[\s\S]*?\*\/|\/\/[^\n]*)+/y);
    return this.#text[this.#at] ?? "";
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? null;
    this.#at += found?.length ?? 0;
    return found;
  }

  #error(message: string): ExpressionError {
    return new ExpressionError("JsonReaderException", `${message} ${place({ text: this.#text, at: this.#at })}`);
  }
}

const escapes = new Map(Object.entries({ '"': '"', "'": "'", "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" }));
const words = new Map<string, boolean | null | Double>([
  ["true", true],
  ["false", false],
  ["null", null],
  ["NaN", new Double(Number.NaN)],
  ["Infinity", new Double(Number.POSITIVE_INFINITY)],
  ["-Infinity", new Double(Number.NEGATIVE_INFINITY)],
]);

/** Newtonsoft names the path too; here it is always empty. */
function place({ text, at }: Reading): string {
  const before = text.slice(0, at).split("\n");
  return text === "" ? "Path '', line 0, position 0." : `Path '', line ${before.length}, position ${before.at(-1)?.length ?? 0}.`;
}

function dateOrText(text: string): DateTime | string {
  const match = text.length >= 19 && text.length <= 40 ? isoDate.exec(text) : null;
  if (match === null) return text;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const ticks = ticksOfParts(year, month, day, hour, minute, second, Number((match[7] ?? "").padEnd(7, "0")));
  if (ticks === null) return text;
  const zone = match[8];
  if (zone === undefined) return new DateTime(ticks, "Unspecified");
  if (zone === "Z") return new DateTime(ticks, "Utc");
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return new DateTime(ticks - BigInt(zone.startsWith("-") ? -minutes : minutes) * 600_000_000n, "Local");
}
