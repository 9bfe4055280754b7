import type { JsonObject } from "../../../../gateway/documents.ts";
import { conversion, missing, type Value } from "../conversions.ts";
import { regexOf } from "../regex.ts";
import { nothing } from "../scalar.ts";
import { argumentAs, atMost, ofTexts, remembered, type ScalarFunction } from "./call.ts";

const urlParts =
  /^([a-z][a-z\d+.-]*):\/\/(?:([^:@/?#]*)(?::([^@/?#]*))?@)?(\[[^\]]*\]|[^:/?#]*)(?::(\d+))?([^?#]*)(?:\?([^#]*))?(?:#([\s\S]*))?$/i;

/** https://learn.microsoft.com/kusto/query/parse-url-function. Assumed: of what is no absolute URL every part is empty. */
function urlOf(text: string): JsonObject {
  const [, scheme = "", user = "", password = "", host = "", port = "", path = "", query = "", fragment = ""] = urlParts.exec(text) ?? [];
  return {
    Scheme: scheme,
    Host: host,
    Port: port,
    Path: path,
    Username: user,
    Password: password,
    "Query Parameters": Object.fromEntries(new URLSearchParams(query)),
    Fragment: fragment,
  };
}

const parseUrl: ScalarFunction = (call) => {
  const read = argumentAs(call, 0, "string");
  const parse = remembered(urlOf);
  return (row) => parse(String(read(row)));
};

/** `extract(regex, group, text [, typeof(type)])`: without a match an empty text, or null of another type. */
const extract: ScalarFunction = (call) => {
  const [pattern, text] = [argumentAs(call, 0, "string"), argumentAs(call, 2, "string")];
  const group = call.args[1] ?? nothing;
  const convert = conversion("string", call.type);
  let last: { readonly pattern: string; readonly group: number; readonly find: (text: string) => Value } | undefined;
  const finder = (wanted: string, number: number) => {
    if (last?.pattern === wanted && last.group === number) return last.find;
    const regex = regexOf(wanted, "");
    const find = remembered((given) => {
      const found = regex.exec(given)?.[number];
      return found === undefined ? missing(call.type) : convert(found);
    });
    last = { pattern: wanted, group: number, find };
    return find;
  };
  return (row) => finder(String(pattern(row)), Number(group(row)))(String(text(row)));
};

/** Kusto writes a group as `\1`. */
const rewriting = (rewrite: string): string =>
  rewrite.replaceAll("$", "$$$$").replace(/\\(\d)/g, (_, group: string) => (group === "0" ? "$&" : `$${group}`));

/** `split(text, delimiter [, index])` */
const split: ScalarFunction = (call) => {
  const [text, delimiter] = [argumentAs(call, 0, "string"), argumentAs(call, 1, "string")];
  const index = call.args[2];
  return (row) => {
    const parts = String(text(row)).split(String(delimiter(row)));
    if (index === undefined) return parts;
    const part = parts[Number(index(row))];
    return part === undefined ? [] : [part];
  };
};

/** `substring(text, start [, length])`; a start below zero counts from the end. */
const substring: ScalarFunction = (call) => {
  const text = argumentAs(call, 0, "string");
  const [, start = nothing, length] = call.args;
  return (row) => {
    const rest = String(text(row)).slice(Number(start(row)));
    return length === undefined ? rest : rest.slice(0, Math.max(0, Number(length(row))));
  };
};

const joined: ScalarFunction = (call) => {
  const readers = call.args.map((_, index) => argumentAs(call, index, "string"));
  return (row) => {
    let text = "";
    for (const read of readers) text += String(read(row));
    return text;
  };
};

const joinedBy: ScalarFunction = (call) => {
  const [delimiter = nothing, ...readers] = call.args.map((_, index) => argumentAs(call, index, "string"));
  return (row) => readers.map((read) => String(read(row))).join(String(delimiter(row)));
};

const trim = (sides: "start" | "end" | "both"): ScalarFunction =>
  ofTexts((pattern = "", text = "") => {
    const start = sides === "end" ? text : text.replace(regexOf(`^(?:${pattern})`, ""), "");
    return sides === "start" ? start : start.replace(regexOf(`(?:${pattern})$`, ""), "");
  });

export const texts: Readonly<Record<string, ScalarFunction>> = {
  extract,
  indexof: atMost(
    2,
    "indexof",
    ofTexts((text = "", wanted = "") => text.indexOf(wanted)),
  ),
  parse_url: parseUrl,
  replace_regex: ofTexts((text = "", pattern = "", rewrite = "") => text.replace(regexOf(pattern, "g"), rewriting(rewrite))),
  replace_string: ofTexts((text = "", wanted = "", rewrite = "") => (wanted === "" ? text : text.replaceAll(wanted, () => rewrite))),
  reverse: ofTexts((text = "") => [...text].reverse().join("")),
  split,
  strcat: joined,
  strcat_delim: joinedBy,
  strlen: ofTexts((text = "") => [...text].length),
  substring,
  tolower: ofTexts((text = "") => text.toLowerCase()),
  toupper: ofTexts((text = "") => text.toUpperCase()),
  trim: trim("both"),
  trim_end: trim("end"),
  trim_start: trim("start"),
};
